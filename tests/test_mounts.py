"""What is mounted where, read from a table like the kernel's."""

import pytest

from flom import mounts

TABLE = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:39 / /tmp/it\040is\011here rw,nosuid,nodev,relatime - fuse.flom flom rw,user_id=0
41 22 0:40 / /tmp/covered rw,nosuid,nodev,relatime - fuse.flom flom rw,user_id=0
42 41 0:41 / /tmp/covered rw,nosuid - tmpfs tmpfs rw
43 22 0:42 / /tmp/remote rw,nosuid,nodev,relatime - fuse.sshfs host: rw,user_id=0
""".lstrip()


@pytest.mark.parametrize(
    ("directory", "ours"),
    [
        ("/tmp/it is\there", True),
        ("/tmp/../tmp/it is\there/", True),
        ("/tmp/covered", False),
        ("/tmp/remote", False),
        ("/tmp", False),
    ],
)
def test_whose_it_is(directory, ours, tmp_path):
    table = tmp_path / "mountinfo"
    table.write_text(TABLE)
    assert mounts.is_ours(directory, str(table)) is ours


def test_without_a_table_nothing_is_ours(tmp_path):
    assert mounts.is_ours("/tmp", str(tmp_path / "none")) is False


def test_what_lives_is_not_dead(tmp_path):
    assert not mounts.is_dead(str(tmp_path))
    assert not mounts.is_dead(str(tmp_path / "none"))
