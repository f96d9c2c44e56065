from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integration_settings", "0009_rights")]

    operations = [
        migrations.AddField("companysettings", "writes_notes", models.BooleanField(db_default=True, default=True)),
    ]
