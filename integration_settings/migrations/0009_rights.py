from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integration_settings", "0008_notices_and_reads")]

    operations = [
        *(
            migrations.AddField("companysettings", name, models.BooleanField(db_default=True, default=True))
            for name in ("everyone_creates", "everyone_sends", "everyone_voids")
        ),
        *(
            migrations.AddField("pipedriveuser", name, models.BooleanField(db_default=False, default=False))
            for name in ("may_create", "may_send", "may_void")
        ),
    ]
