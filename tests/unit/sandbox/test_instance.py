"""Runs beside one another in one checkout."""

from pathlib import Path

from sandbox.demo.instance import claim


def test_second_run_beside_the_first_has_a_folder_of_its_own(tmp_path: Path) -> None:
    with claim(tmp_path) as first, claim(tmp_path) as second:
        assert first.folder != second.folder
        assert first.stack_name != second.stack_name


def test_folder_is_taken_again_when_its_run_is_over(tmp_path: Path) -> None:
    with claim(tmp_path) as first:
        (first.folder / "left-over").touch()

    with claim(tmp_path) as again:
        assert again.folder == first.folder
        assert list(again.folder.iterdir()) == []


def test_common_endpoints_belong_to_the_first_run_that_is_up(tmp_path: Path) -> None:
    common = tmp_path / "endpoints.json"

    with claim(tmp_path) as first:
        assert common in first.endpoint_files
        with claim(tmp_path) as second:
            assert second.endpoint_files == (second.folder / "endpoints.json",)

    with claim(tmp_path) as third:
        assert common in third.endpoint_files
