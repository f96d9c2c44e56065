import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integration_settings', '0004_products_and_items'),
        ('invoices', '0004_updates_of_customers'),
    ]

    operations = [
        migrations.AddField(
            model_name='invoice',
            name='item_request_ids',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.RemoveConstraint(model_name='customerclaim', name='one_claim_per_party'),
        migrations.RenameModel(old_name='CustomerClaim', new_name='CreationClaim'),
        migrations.RenameField(model_name='creationclaim', old_name='party_kind', new_name='kind'),
        migrations.RenameField(model_name='creationclaim', old_name='party_id', new_name='subject_id'),
        migrations.AlterField(
            model_name='creationclaim',
            name='company',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='creation_claims', to='integration_settings.company'),
        ),
        migrations.AddConstraint(
            model_name='creationclaim',
            constraint=models.UniqueConstraint(fields=('company', 'realm_id', 'kind', 'subject_id'), name='one_claim_per_subject'),
        ),
    ]
