from django.db import migrations, models

from parkerflight.core.rls import open_table


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CheckRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_index=True)),
                ("took_ms", models.IntegerField()),
                ("checked", models.IntegerField()),
                ("violations", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="ReconciliationRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_index=True)),
                ("since", models.DateTimeField()),
                ("took_ms", models.IntegerField()),
                ("counts", models.JSONField(default=dict)),
                ("findings", models.JSONField(default=list)),
                ("people_needed", models.IntegerField(default=0)),
            ],
        ),
        open_table("ops_checkrun", backoffice="SELECT, INSERT, DELETE"),
        open_table("ops_reconciliationrun", backoffice="SELECT, INSERT, DELETE"),
    ]
