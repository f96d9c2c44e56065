from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integration_settings", "0014_fields_that_tell_of_invoices")]

    operations = [
        migrations.AddField("companysettings", "deal_status_since", models.DateTimeField(blank=True, null=True)),
    ]
