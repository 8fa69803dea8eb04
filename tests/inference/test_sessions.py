"""Sessions on real ONNX Runtime: what runs, what is kept, what is given back, what is said when it fails."""

import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from matted.config import Settings
from matted.errors import (
    Cancelled,
    ModelError,
    OutOfMemory,
    WeightsDamaged,
)
from matted.inference.runtime import Runtime
from matted.inference.sessions import Graph, Sessions

ONES = np.ones((1, 3, 8, 8), np.float32)


class Clock:
    """A clock the test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counting(Runtime):
    """The real runtime, counting what it opens."""

    def __init__(self, cache: Path) -> None:
        super().__init__(threads=1, cache=cache)
        self.opened: list[str] = []

    def create(self, path, options, names):
        self.opened.append(path.stem)
        return super().create(path, options, names)


@pytest.fixture
def runtime(tmp_path):
    return Counting(tmp_path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(runtime, clock):
    sessions = Sessions(Settings(keep_alive_s=300), runtime=runtime, clock=clock)
    yield sessions
    sessions.close()


def resident() -> float:
    return psutil.Process().memory_info().rss / 2**20


def test_outputs_come_in_the_order_asked_by_name_or_index(sessions, doubling):
    ran = sessions.run(Graph("tiny", doubling(), outputs=("more", 0, -1)), ONES)
    assert [float(one.max()) for one in ran.outputs] == [2.0, 2.0, 2.0]
    assert [one.shape for one in ran.outputs] == [(1, 3, 8, 8)] * 3
    ran = sessions.run(Graph("tiny", doubling(), outputs=("twice", "more")), 3 * ONES)
    assert [float(one.max()) for one in ran.outputs] == [6.0, 4.0]


def test_the_provider_that_ran_is_named_and_nothing_fell_back(sessions, doubling):
    ran = sessions.run(Graph("tiny", doubling()), ONES)
    assert (ran.provider, ran.fell_back, sessions.fallbacks()) == ("cpu", None, [])


def test_only_the_first_run_loads(sessions, runtime, doubling):
    graph = Graph("tiny", doubling())
    assert sessions.run(graph, ONES).load_s > 0.0
    assert sessions.run(graph, ONES).load_s < 0.001
    assert runtime.opened == ["tiny"]


def test_sixteen_racing_threads_load_once(sessions, runtime, doubling):
    graph = Graph("tiny", doubling())
    start = threading.Barrier(16)
    results = []

    def ask(number):
        start.wait()
        results.append((number, float(sessions.run(graph, number * ONES).outputs[0].max())))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runtime.opened == ["tiny"]
    assert sorted(results) == [(number, 2.0 * number) for number in range(16)]


def test_a_load_that_fails_fails_for_all_who_wait_and_may_be_tried_again(sessions, doubling):
    path = doubling()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    errors = []

    def ask():
        try:
            sessions.run(Graph("tiny", path), ONES)
        except WeightsDamaged as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 4
    assert str(path) in errors[0]
    assert "pull" in errors[0]
    assert sessions.loaded() == []
    path.write_bytes(whole)
    assert sessions.run(Graph("tiny", path), ONES).outputs[0].max() == 2.0


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08" * 500])
def test_a_file_that_is_no_model_is_called_damaged(sessions, tmp_path, content):
    path = tmp_path / "junk.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsDamaged, match=r"junk\.onnx"):
        sessions.run(Graph("junk", path), ONES)


def test_a_file_that_vanished_is_called_damaged(sessions, tmp_path):
    with pytest.raises(WeightsDamaged, match="gone"):
        sessions.run(Graph("gone", tmp_path / "gone.onnx"), ONES)


def test_a_replaced_file_is_loaded_anew(sessions, doubling):
    graph = Graph("tiny", doubling())
    assert sessions.run(graph, ONES).outputs[0].max() == 2.0
    doubling(factor=5.0, padding=10)
    assert sessions.run(graph, ONES).outputs[0].max() == 5.0


def test_a_half_precision_file_takes_and_gives_float32(sessions, doubling):
    ran = sessions.run(Graph("half", doubling("half", half=True)), ONES)
    assert ran.outputs[0].dtype == np.float32
    assert ran.outputs[0].max() == 2.0


def test_the_cpu_takes_the_quantised_file_and_not_the_half_one(sessions, runtime, doubling):
    graph = Graph("tiny", doubling(), fp16=doubling("half", half=True), int8=doubling("small"))
    sessions.run(graph, ONES)
    assert runtime.opened == ["small"]


def test_an_output_that_is_not_there_is_told(sessions, doubling):
    with pytest.raises(ModelError, match=r"no output 'alpha', only twice, more"):
        sessions.run(Graph("tiny", doubling(), outputs=("alpha",)), ONES)


def test_an_input_that_is_not_there_is_told(sessions, doubling):
    with pytest.raises(ModelError, match="its inputs are x, it was given y"):
        sessions.run(Graph("tiny", doubling()), {"y": ONES})


def test_a_tensor_of_the_wrong_shape_is_told_and_the_model_still_runs(sessions, doubling):
    graph = Graph("tiny", doubling())
    with pytest.raises(ModelError, match="does not fit its catalogue entry"):
        sessions.run(graph, np.ones((1, 3, 9, 9), np.float32))
    assert sessions.run(graph, ONES).outputs[0].max() == 2.0


def test_loading_ahead_spares_the_first_run_the_load(sessions, runtime, doubling):
    graph = Graph("tiny", doubling())
    sessions.load(graph)
    assert [one.runs for one in sessions.loaded()] == [0]
    assert sessions.run(graph, ONES).load_s < 0.001
    assert runtime.opened == ["tiny"]


def test_a_run_that_comes_while_the_model_loads_ahead_waits_for_that_load(sessions, runtime, doubling):
    graph = Graph("tiny", doubling())
    loading = threading.Thread(target=sessions.load, args=(graph,))
    loading.start()
    assert sessions.run(graph, ONES).outputs[0].max() == 2.0
    loading.join()
    assert runtime.opened == ["tiny"]


def test_warming_runs_once_on_zeros(sessions, runtime, doubling):
    graph = Graph("tiny", doubling())
    assert sessions.warm(graph).runs == 1
    assert sessions.run(graph, ONES).load_s < 0.001
    assert runtime.opened == ["tiny"]


def test_warming_a_file_with_open_sides_takes_the_shapes_given(sessions, doubling):
    path = doubling(shape=("n", 3, "h", "w"))
    assert sessions.warm(Graph("tiny", path)).runs == 0
    assert sessions.warm(Graph("tiny", path, shapes={"x": (1, 3, 32, 32)})).runs == 1


def test_results_outlive_their_model_without_its_working_memory(sessions, hungry):
    before = resident()
    kept = sessions.run(Graph("hungry", hungry(50_000_000)), np.ones(1, np.float32)).outputs
    assert resident() > before + 150
    sessions.unload("hungry")
    assert kept[0] == 2.0
    assert resident() < before + 20


def test_memory_is_returned_however_often_a_model_is_loaded(sessions, hungry):
    graph = Graph("hungry", hungry(50_000_000))
    sessions.run(graph, np.ones(1, np.float32), keep_alive_s=0)
    before = resident()
    for _ in range(5):
        sessions.run(graph, np.ones(1, np.float32), keep_alive_s=0)
    assert resident() < before + 20


def test_an_idle_model_gives_its_working_memory_back_and_stays_loaded(sessions, clock, hungry, runtime):
    graph = Graph("hungry", hungry(50_000_000))
    sessions.run(graph, np.ones(1, np.float32))
    full = resident()
    clock.now += 21
    sessions.sweep()
    assert resident() < full - 150
    assert sessions.run(graph, np.ones(1, np.float32)).outputs[0] == 2.0
    assert len(runtime.opened) == 1


def test_keep_alive_is_counted_from_the_last_run(sessions, clock, doubling):
    graph = Graph("tiny", doubling())
    sessions.run(graph, ONES)
    clock.now += 200
    sessions.run(graph, ONES)
    clock.now += 200
    sessions.sweep()
    assert [one.id for one in sessions.loaded()] == ["tiny"]
    clock.now += 101
    sessions.sweep()
    assert sessions.loaded() == []


def test_keep_alive_zero_unloads_after_the_run(sessions, doubling):
    sessions.run(Graph("tiny", doubling()), ONES, keep_alive_s=0)
    assert sessions.loaded() == []


def test_a_negative_keep_alive_never_expires(sessions, clock, doubling):
    sessions.run(Graph("tiny", doubling()), ONES, keep_alive_s=-1)
    clock.now += 1e9
    sessions.sweep()
    assert [one.expires_s for one in sessions.loaded()] == [None]


def test_a_request_sets_the_keep_alive_from_then_on(sessions, doubling):
    graph = Graph("tiny", doubling())
    sessions.run(graph, ONES, keep_alive_s=10)
    sessions.run(graph, ONES)
    assert sessions.loaded()[0].expires_s == 10


def test_sweep_tells_when_there_is_something_to_do(sessions, clock, doubling):
    assert sessions.sweep() is None
    sessions.run(Graph("tiny", doubling()), ONES, keep_alive_s=60)
    assert sessions.sweep() == 20  # the working memory
    clock.now += 20
    assert sessions.sweep() == 40  # the model
    clock.now += 40
    assert sessions.sweep() is None


def test_unload_says_how_many_there_were(sessions, doubling):
    sessions.run(Graph("tiny", doubling("a")), ONES)
    sessions.run(Graph("tiny", doubling("b")), ONES)
    assert sessions.unload("tiny") == 2
    assert sessions.unload("tiny") == 0
    assert sessions.loaded() == []


def test_the_least_recently_used_model_makes_room(clock, runtime, doubling):
    sessions = Sessions(Settings(model_memory_mb=75), runtime=runtime, clock=clock)
    graphs = [Graph(name, doubling(name, padding=20_000_000)) for name in "abc"]
    for graph in graphs[:2]:
        sessions.run(graph, ONES)
        clock.now += 1
    sessions.run(graphs[0], ONES)
    clock.now += 1
    assert {one.id for one in sessions.loaded()} == {"a", "b"}
    sessions.run(graphs[2], ONES)
    loaded = [one.id for one in sessions.loaded()]
    assert "b" not in loaded
    assert loaded[0] == "c"
    sessions.close()


def test_a_model_in_use_is_not_evicted(clock, runtime, slow, doubling):
    sessions = Sessions(Settings(model_memory_mb=1), runtime=runtime, clock=clock)
    stop = threading.Event()

    def work():
        with pytest.raises(Cancelled):
            sessions.run(Graph("slow", slow), np.eye(512, dtype=np.float32), cancelled=stop)

    worker = threading.Thread(target=work)
    worker.start()
    _until(lambda: sessions.loaded())
    asking = threading.Thread(target=lambda: sessions.run(Graph("big", doubling(padding=9_000_000)), ONES))
    asking.start()
    _until(lambda: len(runtime.opened) == 2)
    assert sessions.loaded()[-1].id == "slow"
    stop.set()
    worker.join()
    asking.join()
    assert [one.id for one in sessions.loaded()] == ["big"]
    sessions.close()


def test_a_model_larger_than_the_whole_budget_still_runs(clock, runtime, doubling):
    sessions = Sessions(Settings(model_memory_mb=1), runtime=runtime, clock=clock)
    assert sessions.run(Graph("big", doubling(padding=9_000_000)), ONES).outputs[0].max() == 2.0
    sessions.close()


def test_a_run_is_stopped_in_its_middle(sessions, slow):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        sessions.run(Graph("slow", slow), np.eye(512, dtype=np.float32), cancelled=stop)
    assert time.monotonic() - started < 30  # of the minutes it would take
    assert [one.id for one in sessions.loaded()] == ["slow"]


def test_one_who_waits_for_a_turn_can_be_cancelled(sessions, slow, doubling):
    stop, give_up = threading.Event(), threading.Event()
    caught = []

    def run(path, feed, event):
        try:
            sessions.run(Graph(path.stem, path), feed, cancelled=event)
        except Cancelled as error:
            caught.append((path.stem, str(error)))

    worker = threading.Thread(target=run, args=(slow, np.eye(512, dtype=np.float32), stop))
    worker.start()
    _until(lambda: sessions.loaded())
    waiting = threading.Thread(target=run, args=(doubling(), ONES, give_up))
    waiting.start()
    give_up.set()
    waiting.join(timeout=20)
    assert [name for name, _ in caught] == ["tiny"]
    stop.set()
    worker.join()


def test_cancelled_before_it_began_nothing_is_loaded(sessions, runtime, doubling):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        sessions.run(Graph("tiny", doubling()), ONES, cancelled=stop)
    assert runtime.opened == []
    assert sessions.loaded() == []


def test_closing_ends_what_runs_and_refuses_what_comes(sessions, slow, doubling):
    caught = []

    def work():
        try:
            sessions.run(Graph("slow", slow), np.eye(512, dtype=np.float32))
        except Cancelled as error:
            caught.append(str(error))

    worker = threading.Thread(target=work)
    worker.start()
    _until(lambda: sessions.loaded())
    sessions.close()
    sessions.close()
    worker.join(timeout=20)
    assert caught == ["Matted is shutting down."]
    assert sessions.loaded() == []
    with pytest.raises(Cancelled):
        sessions.run(Graph("tiny", doubling()), ONES)


def test_memory_that_cannot_be_had_is_told_as_such(sessions, hungry):
    with pytest.raises(OutOfMemory, match="smaller model"):
        sessions.run(Graph("hungry", hungry(10**13)), np.ones(1, np.float32))


def test_running_out_of_memory_first_unloads_idle_models(sessions, hungry, doubling):
    sessions.run(Graph("tiny", doubling()), ONES)
    with pytest.raises(OutOfMemory):
        sessions.run(Graph("hungry", hungry(10**13)), np.ones(1, np.float32))
    assert "tiny" not in [one.id for one in sessions.loaded()]


def test_importing_sessions_does_not_import_onnx_runtime(root):
    import subprocess
    import sys

    code = "import sys, matted.inference.sessions; sys.exit('onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(root / "daemon")})


def _until(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")
