from django.db import migrations, models

from parkerflight.core.rls import open_table


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
    ]
