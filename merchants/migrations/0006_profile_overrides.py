"""An account keeps what its contract says otherwise than the channel's usual one."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("merchants", "0005_desk_key_overlap")]

    operations = [migrations.RenameField("channelaccount", "profile", "profile_overrides")]
