import django.db.models.expressions
from django.db import migrations, models

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
        open_table(
            "flights_ratelimit",
            web="SELECT, INSERT, UPDATE",
            worker="SELECT, INSERT, UPDATE",
            # Reconciliation reads the provider's list and keeps the same limits as everybody.
            backoffice="SELECT, INSERT, UPDATE",
        ),
        migrations.CreateModel(
            name="Wallet",
            fields=[
                ("currency", models.CharField(max_length=3, primary_key=True, serialize=False)),
                ("available_minor", models.BigIntegerField(default=0)),
                ("overdrawn_minor", models.BigIntegerField(default=0)),
                ("reserved_minor", models.BigIntegerField(default=0)),
                ("spent_minor", models.BigIntegerField(default=0)),
                ("topped_up_minor", models.BigIntegerField(default=0)),
                ("alarm_below_minor", models.BigIntegerField(null=True)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("available_minor__gte", 0), ("overdrawn_minor", 0)),
                            models.Q(
                                ("available_minor__lt", 0),
                                (
                                    "overdrawn_minor",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("available_minor"), "*", models.Value(-1)
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="wallet_below_zero_only_by_spending",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "topped_up_minor",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("available_minor"), "+", models.F("reserved_minor")
                                    ),
                                    "+",
                                    models.F("spent_minor"),
                                ),
                            )
                        ),
                        name="wallet_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserved_minor__gte", 0), ("spent_minor__gte", 0)),
                        name="wallet_parts_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WalletEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("top_up", "Top Up"),
                            ("reserve", "Reserve"),
                            ("unreserve", "Unreserve"),
                            ("spend", "Spend"),
                            ("refund", "Refund"),
                            ("adjust", "Adjust"),
                        ],
                        max_length=10,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("attempt_id", models.UUIDField(null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["currency", "id"], name="walletentry_by_currency")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_minor__gt", 0),
                            models.Q(("kind", "adjust"), models.Q(("amount_minor", 0), _negated=True)),
                            _connector="OR",
                        ),
                        name="walletentry_amount_positive",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WalletHold",
            fields=[
                ("attempt_id", models.UUIDField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3)),
                ("reserved_minor", models.BigIntegerField(default=0)),
                ("spent_minor", models.BigIntegerField(default=0)),
                ("refunded_minor", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reserved_minor__gte", 0),
                            models.Q(("reserved_minor", 0), ("spent_minor", 0), _connector="OR"),
                        ),
                        name="wallethold_reserved_or_spent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_minor__gte", 0), ("refunded_minor__lte", models.F("spent_minor"))
                        ),
                        name="wallethold_refund_fits",
                    ),
                ],
            },
        ),
        open_table("flights_wallet", worker="SELECT, INSERT, UPDATE"),
        open_table("flights_wallethold", worker="SELECT, INSERT, UPDATE"),
        open_table("flights_walletentry", worker="SELECT, INSERT"),
        append_only("flights_walletentry"),
    ]
