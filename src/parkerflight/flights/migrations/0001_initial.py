import django.db.models.deletion
from django.db import migrations, models
from django.db.models import CheckConstraint, F, Q

from parkerflight.core.rls import append_only, open_table


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="RateLimit",
            fields=[
                ("key", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("limit", models.IntegerField()),
                ("remaining", models.IntegerField()),
                ("reset_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "flights_ratelimit",
            },
        ),
        open_table("flights_ratelimit", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE"),
        migrations.CreateModel(
            name="Wallet",
            fields=[
                ("currency", models.CharField(max_length=3, primary_key=True, serialize=False)),
                ("available", models.BigIntegerField(default=0)),
                ("reserved", models.BigIntegerField(default=0)),
                ("spent", models.BigIntegerField(default=0)),
                ("refunded", models.BigIntegerField(default=0)),
                ("topped_up", models.BigIntegerField(default=0)),
                ("alarm_below", models.BigIntegerField(default=0)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "flights_wallet",
                "constraints": [
                    CheckConstraint(
                        condition=Q(
                            available__gte=0, reserved__gte=0, spent__gte=0, refunded__gte=0, alarm_below__gte=0
                        ),
                        name="wallet_never_negative",
                    ),
                    CheckConstraint(condition=Q(refunded__lte=F("spent")), name="wallet_refunds_what_was_spent"),
                    CheckConstraint(
                        condition=Q(topped_up=F("available") + F("reserved") + F("spent") - F("refunded")),
                        name="wallet_balances",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WalletReservation",
            fields=[
                ("attempt_id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "wallet",
                    models.ForeignKey(
                        db_column="currency", on_delete=django.db.models.deletion.PROTECT, to="flights.wallet"
                    ),
                ),
                ("reserved", models.BigIntegerField(default=0)),
                ("spent", models.BigIntegerField(default=0)),
                ("refunded", models.BigIntegerField(default=0)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "flights_walletreservation",
                "constraints": [
                    CheckConstraint(
                        condition=Q(reserved__gte=0, spent__gte=0, refunded__gte=0),
                        name="wallet_reservation_never_negative",
                    ),
                    CheckConstraint(
                        condition=Q(refunded__lte=F("spent")), name="wallet_reservation_refunds_what_was_spent"
                    ),
                    CheckConstraint(condition=Q(reserved=0) | Q(spent=0), name="wallet_reservation_spent_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WalletEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                (
                    "wallet",
                    models.ForeignKey(
                        db_column="currency", on_delete=django.db.models.deletion.PROTECT, to="flights.wallet"
                    ),
                ),
                ("kind", models.CharField(max_length=12)),
                ("amount", models.BigIntegerField()),
                ("attempt_id", models.UUIDField(null=True)),
                ("reason", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "flights_walletentry",
            },
        ),
        append_only("flights_walletentry"),
        open_table("flights_wallet", worker="SELECT, INSERT, UPDATE", backoffice="SELECT, INSERT, UPDATE"),
        open_table("flights_walletreservation", worker="SELECT, INSERT, UPDATE"),
        open_table("flights_walletentry", worker="SELECT, INSERT", backoffice="SELECT, INSERT"),
    ]
