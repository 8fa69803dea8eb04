"""Weights are fetched from a real host, checked before they get their name, and kept honest afterwards."""

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from matted.errors import (
    Cancelled,
    LicenceNotAccepted,
    ModelError,
    ModelNotInstalled,
    NoNetwork,
    OutputFailed,
    WeightsDamaged,
)
from matted.inference.weights import Weights


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


hosts = _beside("weights_host")
CONTENT, SHA256, MD5 = hosts.CONTENT, hosts.SHA256, hosts.MD5
HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def host() -> Iterator[object]:
    with hosts.serving() as host:
        yield host


@pytest.fixture
def weights(tmp_path: Path, host: object) -> Weights:
    return hosts.store(tmp_path, hosts.entry([host.url()]))


def the_model(weights: Weights) -> object:
    return weights.catalogue.get("m")


def part_of(weights: Weights) -> Path:
    return weights.folder(the_model(weights)) / "m.onnx.part"


def start_with(weights: Weights, content: bytes, host: object | None = None) -> None:
    """What an interrupted pull leaves: a part, and where it came from."""
    part = part_of(weights)
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    if host is not None:
        notes = part.with_name("m.onnx.part.json")
        notes.write_text(json.dumps({"url": host.url(), "validator": host.etag}))


def in_another_process(weights: Weights) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path; from matted.config import Settings;"
        "from matted.inference.catalogue import Catalogue;"
        "from matted.inference.catalogue_file import read_models;"
        "from matted.inference.weights import Weights;"
        "root = Path(sys.argv[1]);"
        "c = Catalogue(read_models(root.parent / 'test-catalogue.toml', {}).values());"
        "Weights(Settings(models_dir=root), c).pull(c.get('m'))"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(weights.root)])


def wait_until(condition: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


# --- fetching -----------------------------------------------------------------------------------------


def test_pulled_weights_are_whole_and_installed(weights: Weights) -> None:
    seen = []
    weights.pull(the_model(weights), progress=lambda done, total: seen.append((done, total)))
    assert weights.installed(the_model(weights))
    assert weights.path(the_model(weights)).read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert sorted(p.name for p in weights.folder(the_model(weights)).iterdir()) == ["m.onnx", "weights.json"]


def test_a_second_pull_asks_the_host_for_nothing(weights: Weights, host: object) -> None:
    weights.pull(the_model(weights))
    host.asked.clear()
    weights.pull(the_model(weights))
    assert host.asked == []


def test_a_cut_connection_is_taken_up_where_it_broke(weights: Weights, host: object) -> None:
    host.cut_after, host.cuts = 300_000, 2
    weights.pull(the_model(weights))
    assert weights.path(the_model(weights)).read_bytes() == CONTENT
    resumed = [(wanted, condition) for _, wanted, condition in host.asked if wanted]
    assert len(resumed) == 2
    assert {condition for _, condition in resumed} == {host.etag}


def test_an_interrupted_pull_goes_on_with_the_rest(weights: Weights, host: object) -> None:
    start_with(weights, CONTENT[:HALF], host)
    weights.pull(the_model(weights))
    assert host.asked == [("/file", f"bytes={HALF}-", host.etag)]
    assert weights.path(the_model(weights)).read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_pull_goes_on_with_the_rest(weights: Weights, host: object) -> None:
    host.pause_s = 0.1
    process = in_another_process(weights)
    wait_until(lambda: part_of(weights).exists() and part_of(weights).stat().st_size > 0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    host.pause_s = 0
    there = part_of(weights).stat().st_size
    assert 0 < there < len(CONTENT)
    host.asked.clear()
    weights.pull(the_model(weights))
    assert host.asked == [("/file", f"bytes={there}-", host.etag)]


def test_a_host_without_ranges_sends_it_all_again(weights: Weights, host: object) -> None:
    host.ranges = False
    start_with(weights, b"x" * HALF, host)
    weights.pull(the_model(weights))
    assert weights.path(the_model(weights)).read_bytes() == CONTENT


def test_a_file_that_changed_at_its_host_is_fetched_anew(weights: Weights, host: object) -> None:
    start_with(weights, b"old" * 1000, host)
    host.etag = '"second"'
    weights.pull(the_model(weights))
    assert weights.path(the_model(weights)).read_bytes() == CONTENT


def test_a_part_that_is_whole_needs_no_host(weights: Weights, host: object) -> None:
    start_with(weights, CONTENT)
    weights.pull(the_model(weights))
    assert host.asked == []
    assert weights.installed(the_model(weights))


def test_a_whole_part_of_unknown_size_is_recognised_by_the_host(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url()], checks=f'sha256 = "{SHA256}"'))
    start_with(weights, CONTENT, host)
    weights.pull(the_model(weights))
    assert len(host.asked) == 1
    assert weights.installed(the_model(weights))


def test_a_part_longer_than_the_file_is_started_anew(weights: Weights, host: object) -> None:
    start_with(weights, CONTENT + b"x", host)
    weights.pull(the_model(weights))
    assert weights.path(the_model(weights)).read_bytes() == CONTENT


def test_a_redirect_is_followed(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url("moved")]))
    weights.pull(the_model(weights))
    assert weights.installed(the_model(weights))


def test_another_size_is_refused_before_it_is_downloaded(weights: Weights, host: object) -> None:
    host.content = CONTENT + b"!"
    with pytest.raises(WeightsDamaged, match=f"{len(CONTENT) + 1} bytes"):
        weights.pull(the_model(weights))
    assert not part_of(weights).exists()
    assert not weights.installed(the_model(weights))


def test_a_wrong_checksum_deletes_the_download_and_says_so(weights: Weights, host: object) -> None:
    host.content = CONTENT[::-1]
    with pytest.raises(WeightsDamaged, match="checksum differs"):
        weights.pull(the_model(weights))
    assert [p.name for p in weights.folder(the_model(weights)).iterdir()] == []
    with pytest.raises(ModelNotInstalled):
        weights.path(the_model(weights))


@pytest.mark.parametrize(
    ("page", "says"), [("gated", "accept their terms there"), ("gone", "no longer has these weights")]
)
def test_a_refusal_says_what_to_do(tmp_path: Path, host: object, page: str, says: str) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url(page)]))
    with pytest.raises(ModelError, match=says):
        weights.pull(the_model(weights))
    assert len(host.asked) == 1


def test_the_next_address_is_tried_when_one_refuses(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url("gone"), host.url("gated"), host.url()]))
    weights.pull(the_model(weights))
    assert weights.installed(the_model(weights))


def test_a_host_in_trouble_is_asked_again_and_then_named(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url("broken")]))
    with pytest.raises(NoNetwork, match=r"127\.0\.0\.1 cannot be reached"):
        weights.pull(the_model(weights))
    assert len(host.asked) > 1


def test_without_a_network_the_sentence_offers_the_import(tmp_path: Path) -> None:
    weights = hosts.store(tmp_path, hosts.entry(["https://weights.invalid/m.onnx"]))
    with pytest.raises(NoNetwork, match="matted models import"):
        weights.pull(the_model(weights))


def test_with_an_md5_alone_that_is_checked_and_the_sha256_written_down(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url()], checks=f'md5 = "{MD5}"'))
    weights.pull(the_model(weights))
    assert weights.verify(the_model(weights))[0].against == "record"
    record = json.loads((weights.folder(the_model(weights)) / "weights.json").read_text())
    assert record["files"]["m.onnx"]["sha256"] == SHA256


def test_a_wrong_md5_is_refused(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url()], checks=f'md5 = "{"0" * 32}"'))
    with pytest.raises(WeightsDamaged):
        weights.pull(the_model(weights))


def test_weights_without_an_address_say_how_else(tmp_path: Path) -> None:
    weights = hosts.store(tmp_path, hosts.entry([]))
    with pytest.raises(ModelNotInstalled, match="matted models import"):
        weights.pull(the_model(weights))


def test_cancelling_stops_soon_and_keeps_what_is_there(weights: Weights, host: object) -> None:
    host.pause_s = 0.2
    cancelled = threading.Event()
    caught: list[BaseException] = []

    def pull() -> None:
        try:
            weights.pull(the_model(weights), cancelled=cancelled)
        except Cancelled as error:
            caught.append(error)

    thread = threading.Thread(target=pull)
    thread.start()
    wait_until(lambda: part_of(weights).exists() and part_of(weights).stat().st_size > 0)
    cancelled.set()
    thread.join(10)
    assert caught
    assert 0 < part_of(weights).stat().st_size < len(CONTENT)


def test_two_processes_pulling_one_model_fetch_it_once(weights: Weights, host: object) -> None:
    host.pause_s = 0.05
    processes = [in_another_process(weights) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(host.asked) == 1
    assert weights.path(the_model(weights)).read_bytes() == CONTENT


def test_waiting_for_another_process_can_be_cancelled(weights: Weights) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with weights.writing(the_model(weights)), pytest.raises(Cancelled):
        weights.pull(the_model(weights), cancelled=cancelled)


def test_a_full_disk_is_noticed_before_the_download(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9 - 5000, 5000))
    with pytest.raises(OutputFailed, match="make room"):
        weights.pull(the_model(weights))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_on_the_way_is_named(weights: Weights) -> None:
    part_of(weights).parent.mkdir(parents=True)
    part_of(weights).symlink_to("/dev/full")
    with pytest.raises(OutputFailed, match="is full"):
        weights.pull(the_model(weights))


def test_progress_takes_the_hosts_word_for_a_size_not_in_the_catalogue(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url()], checks=f'sha256 = "{SHA256}"'))
    seen = []
    weights.pull(the_model(weights), progress=lambda done, total: seen.append((done, total)))
    assert (len(CONTENT), len(CONTENT)) in seen


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, host: object) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    weights = hosts.store(tmp_path, hosts.entry([host.url()]))
    with pytest.raises(OutputFailed, match="models"):
        weights.pull(the_model(weights))


# --- licences -----------------------------------------------------------------------------------------


def test_non_commercial_weights_need_a_yes_once(tmp_path: Path, host: object) -> None:
    weights = hosts.store(tmp_path, hosts.entry([host.url()], commercial=False))
    with pytest.raises(LicenceNotAccepted, match="--accept-licence"):
        weights.pull(the_model(weights))
    assert host.asked == []
    weights.pull(the_model(weights), accept_licence=True)
    weights.path(the_model(weights)).unlink()
    weights.pull(the_model(weights))
    assert weights.installed(the_model(weights))


# --- checking -----------------------------------------------------------------------------------------


def test_intact_weights_verify(weights: Weights) -> None:
    weights.pull(the_model(weights))
    (checked,) = weights.verify(the_model(weights))
    assert (checked.sha256, checked.against) == (SHA256, "catalogue")


def test_a_flipped_bit_is_found_and_pulled_anew(weights: Weights) -> None:
    weights.pull(the_model(weights))
    path = weights.path(the_model(weights))
    path.write_bytes(b"\xff" + CONTENT[1:])
    with pytest.raises(WeightsDamaged, match="matted models pull m"):
        weights.verify(the_model(weights))
    assert not weights.installed(the_model(weights))
    weights.pull(the_model(weights))
    assert weights.path(the_model(weights)).read_bytes() == CONTENT


def test_a_file_of_another_size_is_noticed_at_once(weights: Weights) -> None:
    weights.pull(the_model(weights))
    weights.path(the_model(weights)).write_bytes(b"short")
    assert not weights.installed(the_model(weights))
    with pytest.raises(WeightsDamaged, match="have changed"):
        weights.path(the_model(weights))


def test_a_missing_model_says_which_command_fetches_it(weights: Weights) -> None:
    with pytest.raises(ModelNotInstalled, match="matted models pull m"):
        weights.path(the_model(weights))


def test_a_file_somebody_put_there_is_checked_and_taken(weights: Weights, host: object) -> None:
    target = weights.folder(the_model(weights)) / "m.onnx"
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert not weights.installed(the_model(weights))
    weights.pull(the_model(weights))
    assert host.asked == []
    assert weights.installed(the_model(weights))


def test_a_strangers_file_of_that_name_is_not_overwritten(weights: Weights) -> None:
    target = weights.folder(the_model(weights)) / "m.onnx"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"something of the person's own")
    with pytest.raises(WeightsDamaged, match="not put there by Matted"):
        weights.pull(the_model(weights))
    assert target.read_bytes() == b"something of the person's own"


def test_a_broken_record_counts_as_none(weights: Weights) -> None:
    weights.pull(the_model(weights))
    (weights.folder(the_model(weights)) / "weights.json").write_text('{"files": {"m.onnx": {"size": 3}}}')
    assert not weights.installed(the_model(weights))
    weights.pull(the_model(weights))
    assert weights.installed(the_model(weights))


# --- removing -----------------------------------------------------------------------------------------


def test_removing_leaves_nothing_behind(weights: Weights) -> None:
    weights.pull(the_model(weights))
    removed = weights.remove(the_model(weights))
    assert (removed.freed, removed.left) == (len(CONTENT), ())
    assert not weights.folder(the_model(weights)).exists()
    assert not weights.installed(the_model(weights))


def test_removing_takes_an_unfinished_download_along(weights: Weights, host: object) -> None:
    start_with(weights, CONTENT[:HALF], host)
    weights.remove(the_model(weights))
    assert not weights.folder(the_model(weights)).exists()


def test_removing_leaves_what_matted_did_not_write(weights: Weights) -> None:
    folder = weights.folder(the_model(weights))
    folder.mkdir(parents=True)
    (folder / "m.onnx").write_bytes(CONTENT)
    (folder / "notes.txt").write_text("mine")
    weights.pull(the_model(weights))
    assert weights.remove(the_model(weights)).left == (folder / "m.onnx", folder / "notes.txt")
    assert (folder / "m.onnx").read_bytes() == CONTENT


def test_what_is_not_installed_cannot_be_removed(weights: Weights) -> None:
    with pytest.raises(ModelNotInstalled):
        weights.remove(the_model(weights))


# --- files of the person's own --------------------------------------------------------------------------


def own_file(tmp_path: Path, *, checks: str = "") -> Weights:
    text = f'[[model]]\nid = "m"\n[[model.file]]\npath = "own.onnx"\n{checks}\n'
    (tmp_path / "own.onnx").write_bytes(CONTENT)
    return hosts.store(tmp_path, text)


def test_an_own_file_is_used_where_it_lies(tmp_path: Path) -> None:
    weights = own_file(tmp_path)
    assert weights.path(the_model(weights)) == tmp_path / "own.onnx"
    assert weights.verify(the_model(weights))[0].against == "nothing"
    weights.pull(the_model(weights))


def test_an_own_file_is_never_removed(tmp_path: Path) -> None:
    weights = own_file(tmp_path)
    with pytest.raises(ModelError, match="not downloaded"):
        weights.remove(the_model(weights))
    assert (tmp_path / "own.onnx").exists()


def test_an_own_file_that_is_gone_is_named(tmp_path: Path) -> None:
    weights = own_file(tmp_path)
    (tmp_path / "own.onnx").unlink()
    with pytest.raises(ModelNotInstalled, match=r"own\.onnx"):
        weights.path(the_model(weights))


def test_an_own_file_can_have_a_checksum(tmp_path: Path) -> None:
    weights = own_file(tmp_path, checks=f'sha256 = "{hashlib.sha256(b"other").hexdigest()}"')
    with pytest.raises(WeightsDamaged, match="replace it"):
        weights.verify(the_model(weights))


def test_the_store_does_not_need_its_folder_to_exist(tmp_path: Path) -> None:
    weights = hosts.store(tmp_path, hosts.entry([]))
    assert not weights.installed(the_model(weights))
    assert not os.path.lexists(weights.root)
