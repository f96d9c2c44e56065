from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("invoices", "0011_forms_that_were_left"),
    ]

    operations = [
        migrations.AddField(
            model_name="invoiceaction",
            name="paid_then",
            field=models.DecimalField(blank=True, decimal_places=5, max_digits=20, null=True),
        ),
    ]
