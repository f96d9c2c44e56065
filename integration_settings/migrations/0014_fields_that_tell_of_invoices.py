from django.db import migrations, models

FIELDS = {"deal_status_field": 80, "deal_number_field": 80, "deal_open_field": 80, "deal_fields_language": 10}


class Migration(migrations.Migration):
    dependencies = [("integration_settings", "0013_reads_of_who_left")]

    operations = [
        migrations.AddField(
            "companysettings", name, models.CharField(blank=True, db_default="", default="", max_length=longest)
        )
        for name, longest in FIELDS.items()
    ] + [
        migrations.AddField(
            "companysettings", "paid_stages", models.JSONField(blank=True, db_default={}, default=dict)
        )
    ]
