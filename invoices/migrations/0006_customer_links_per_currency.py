from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('invoices', '0005_items_created_with_invoices'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='customerlink', name='one_customer_per_party'),
        migrations.AddConstraint(
            model_name='customerlink',
            constraint=models.UniqueConstraint(
                fields=('company', 'realm_id', 'party_kind', 'party_id', 'currency'),
                name='one_customer_per_party_and_currency',
            ),
        ),
    ]
