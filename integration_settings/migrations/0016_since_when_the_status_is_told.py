from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integration_settings", "0015_rules_for_deals")]

    operations = [
        migrations.AddField("companysettings", "deal_status_since", models.DateTimeField(blank=True, null=True)),
    ]
