"""The unique id of the host (wire.md 7)."""

from flom.machine import unique_id

ID = "0123456789abcdef0123456789abcdef"


def write(path, text):
    path.write_text(text)
    return str(path)


def test_first_valid_file_wins(tmp_path):
    first = write(tmp_path / "a", ID + "\n")
    second = write(tmp_path / "b", "f" * 32)
    assert unique_id((first, second)) == ID


def test_upper_case_and_white_space(tmp_path):
    assert unique_id((write(tmp_path / "a", f"  {ID.upper()} \n"),)) == ID


def test_invalid_files_are_passed_over(tmp_path):
    bad = [write(tmp_path / n, t) for n, t in (("s", ID[1:]), ("l", ID + "0"), ("g", "g" * 32))]
    good = write(tmp_path / "ok", ID)
    assert unique_id((str(tmp_path / "absent"), str(tmp_path), *bad, good)) == ID


def test_no_usable_file_is_no_error(tmp_path):
    """W-26."""
    assert unique_id((str(tmp_path / "absent"),)) == ""


def test_a_host_keeps_its_id(tmp_path):
    """It is read once; but the file may come later than the program."""
    late = tmp_path / "late"
    assert unique_id((str(late),)) == ""
    write(late, ID)
    assert unique_id((str(late),)) == ID
    late.unlink()
    assert unique_id((str(late),)) == ID
