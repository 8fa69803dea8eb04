"""The main job over a real socket: what goes in comes out, at its size and depth; what is wrong is said."""

import io
import json
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

from matted.client import ClientError, Encoded, Planes, Uploaded
from matted.errors import ProviderFailed
from matted.imaging.read import read_picture
from psd_reader import LayeredTiff, Psd

CODES = {1: "gray", 2: "graya", 3: "rgb", 4: "rgba"}


def noise(height: int, width: int, channels: int, dtype: str = "u1", seed: int = 1) -> np.ndarray:
    top = 256 if dtype == "u1" else 65536
    values = np.random.default_rng(seed).integers(0, top, (height, width, channels))
    return (values / 65535).astype(dtype) if dtype.startswith("f") else values.astype(dtype)


def planes(pixels: np.ndarray, name: str | None = None) -> Planes:
    depth = {"u1": "8", "u2": "16", "f2": "f16", "f4": "f32"}[pixels.dtype.str[1:]]
    height, width, channels = pixels.shape
    return Planes(memoryview(pixels), width, height, name or CODES[channels] + depth)


def png(pixels: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "png", compress_level=1)
    return target.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4"])
def test_raw_planes_come_back_as_a_mask_of_their_size_and_depth(daemon, channels, dtype):
    pixels = noise(7, 5, channels, dtype)
    with daemon.client() as matted:
        answer = matted.mask(matted.upload(planes(pixels)))
    assert (answer.width, answer.height) == (5, 7)
    assert answer.format == ("gray8" if dtype == "u1" else "gray16")
    first = pixels[..., 0]
    expected = (first.astype(np.float32) * 65535 + 0.5).astype("<u2") if dtype.startswith("f") else first
    assert bytes(answer.data) == expected.tobytes()


def test_krita_planes_have_blue_first(daemon):
    pixels = noise(4, 6, 4)
    with daemon.client() as matted:
        answer = matted.mask(planes(pixels, "bgra8"))
    assert bytes(answer.data) == pixels[..., 2].tobytes()


def test_a_mask_at_once_keeps_nothing(daemon, pipeline):
    pixels = noise(8, 9, 3)
    with daemon.client() as matted:
        assert bytes(matted.mask(planes(pixels)).data) == pixels[..., 0].tobytes()
    assert len(pipeline.cache) == 0
    assert pipeline.keys == [None]


def test_an_encoded_file_is_decoded(daemon):
    pixels = noise(8, 9, 3)
    with daemon.client() as matted:
        assert bytes(matted.mask(Encoded(png(pixels))).data) == pixels[..., 0].tobytes()


def test_a_file_is_streamed_from_its_path(daemon, tmp_path):
    pixels = noise(300, 200, 3)
    (tmp_path / "photo.png").write_bytes(png(pixels))
    with daemon.client() as matted:
        uploaded = matted.upload(Encoded(tmp_path / "photo.png"))
        assert (uploaded.width, uploaded.height) == (200, 300)
        assert bytes(matted.mask(uploaded).data) == pixels[..., 0].tobytes()


def test_an_upload_may_come_without_a_length(daemon):
    pixels = noise(200, 300, 3)

    def pieces():
        content = png(pixels)
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    status, _, body = daemon.ask("POST", "/v1/mask", body=pieces(), headers={"Content-Type": "image/png"})
    assert status == 200
    assert body == pixels[..., 0].tobytes()


def test_the_same_content_has_the_same_name_and_is_held_once(daemon, pipeline):
    pixels = noise(8, 9, 3)
    with daemon.client() as matted:
        first, second = matted.upload(planes(pixels)), matted.upload(planes(pixels))
        other = matted.upload(planes(noise(8, 9, 3, seed=2)))
        assert first.id == second.id != other.id
        assert len(pipeline.cache) == 2
        matted.mask(first)
    assert pipeline.keys == [first.id]


def test_a_forgotten_picture_is_sent_again_by_the_client(daemon):
    pixels = noise(8, 9, 3)
    with daemon.client() as matted:
        uploaded = matted.upload(planes(pixels))
        matted.forget(uploaded)
        assert daemon.ask("GET", f"/v1/pictures/{uploaded.id}")[0] == 404
        assert bytes(matted.mask(uploaded).data) == pixels[..., 0].tobytes()


def test_an_unknown_picture_is_a_problem(daemon):
    status, _, body = daemon.ask("POST", "/v1/pictures/nothing/mask", body=b"{}")
    assert status == 404
    assert json.loads(body)["type"] == "urn:matted:problem:unknown-picture"


def test_the_answer_says_how_it_was_made(daemon):
    with daemon.client() as matted:
        answer = matted.mask(planes(noise(2, 2, 3)), {"coarse": {"model": "auto"}}, job="my-own-job")
    assert (answer.model, answer.provider, answer.job) == ("auto", "cpu", "my-own-job")
    assert answer.warnings == [{"code": "small-picture", "sentence": "Smäll."}]
    assert answer.times_s["model"] == 0.25
    assert {"receive", "queue", "total"} <= set(answer.times_s)


def test_a_mask_comes_as_png_if_asked(daemon):
    pixels = noise(8, 9, 3)
    headers = {"Content-Type": "image/png", "Accept": "image/png"}
    status, answered, body = daemon.ask("POST", "/v1/mask", body=png(pixels), headers=headers)
    assert (status, answered["content-type"]) == (200, "image/png")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(body))), pixels[..., 0])


def test_a_cutout_is_a_png_with_the_mask_as_alpha(daemon):
    pixels = noise(8, 9, 3)
    with daemon.client() as matted:
        answer = matted.cutout(Encoded(png(pixels)))
    assert answer.format == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.data)))[..., 3], pixels[..., 0])


def test_a_cutout_takes_a_format_and_a_background(daemon):
    options = {"delivery": {"format": "jpeg", "background": "#ff0000", "quality": 80}}
    with daemon.client() as matted:
        answer = matted.cutout(planes(np.zeros((8, 9, 3), np.uint8)), options)
    assert answer.format == "image/jpeg"
    red, green, blue = np.asarray(Image.open(io.BytesIO(answer.data)))[4, 4].tolist()
    assert red > 250
    assert max(green, blue) < 5


def test_a_cutout_can_be_a_layered_file(daemon):
    pixels = noise(8, 9, 3)
    with daemon.client() as matted:
        psd, tiff = (
            matted.cutout(planes(pixels), {"delivery": {"format": name}}) for name in ("psd", "layered-tiff")
        )
    assert (psd.format, tiff.format) == ("image/vnd.adobe.photoshop", "image/tiff")
    assert np.array_equal(Psd.read(bytes(psd.data)).layers[-1].mask, pixels[..., 0])
    assert np.array_equal(LayeredTiff.read(bytes(tiff.data)).layers[-1].mask, pixels[..., 0])


def test_a_file_takes_another_depth_and_size(daemon):
    options = {"delivery": {"format": "png", "bits": 16, "max_side_px": 4}}
    with daemon.client() as matted:
        answer = matted.cutout(planes(noise(8, 9, 3)), options)
    found = read_picture(bytes(answer.data), max_pixels=100)
    assert (found.pixels.dtype, max(found.width, found.height)) == (np.uint16, 4)


@pytest.mark.parametrize("wish", [{"bits": 16}, {"max_side_px": 4}])
def test_a_raw_mask_keeps_its_size_and_depth(daemon, wish):
    with daemon.client() as matted, pytest.raises(ClientError, match="ask for a format"):
        matted.mask(planes(noise(8, 9, 3)), {"delivery": wish})


def test_a_background_cannot_be_a_file_of_the_daemons(daemon):
    with daemon.client() as matted, pytest.raises(ClientError, match="neither a colour nor blur"):
        matted.cutout(planes(noise(2, 2, 3)), {"delivery": {"background": "/etc/passwd"}})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"corse": {}},
            "There is no option 'corse' in the request; there are coarse, refine, prompt, adjust, limit,",
        ),
        ({"coarse": {"modl": "x"}}, "There is no option 'modl' in coarse"),
        (
            {"refine": {"level": "best"}},
            'The option refine.level must be "none", "fast", "fine" or "neural", not "best".',
        ),
        (
            {"delivery": {"format": "gif"}},
            'The option delivery.format must be "png", "tiff", "webp", "jpeg", "avif", "psd", "layered',
        ),
        ({"delivery": {"quality": 0}}, "Quality goes from 1 to 100"),
    ],
)
@pytest.mark.parametrize("uploaded", [True, False])
def test_wrong_options_are_refused_with_their_sentence(daemon, options, sentence, uploaded):
    with daemon.client() as matted:
        source = planes(noise(2, 2, 3))
        with pytest.raises(ClientError) as caught:
            matted.cutout(matted.upload(source) if uploaded else source, options)
    assert str(caught.value).startswith(sentence)
    assert (caught.value.slug, caught.value.status) == ("bad-option", 400)


def test_the_connection_is_of_use_after_a_refusal(daemon):
    pixels = noise(50, 50, 3)
    with daemon.client() as matted:
        for _ in range(3):
            with pytest.raises(ClientError, match="needs 10000 bytes"):
                matted.mask(planes(pixels)._replace(format="rgba8"))
            assert bytes(matted.mask(planes(pixels)).data) == pixels[..., 0].tobytes()


def send_raw(daemon, size: int, **headers: str) -> tuple[int, str]:
    given = {"Content-Type": "application/octet-stream", "X-Matted-Format": "rgb8", "X-Matted-Width": "10"}
    given |= {"X-Matted-Height": "10"} | {f"X-Matted-{k}": v for k, v in headers.items()}
    status, _, body = daemon.ask("POST", "/v1/pictures", body=bytes(size), headers=given)
    return status, json.loads(body).get("detail", "")


@pytest.mark.parametrize("size", [0, 299, 301, 100000])
def test_a_body_of_the_wrong_size_is_refused(daemon, size):
    assert send_raw(daemon, size) == (400, f"The declared picture needs 300 bytes of pixels, not {size}.")


@pytest.mark.parametrize("size", [299, 301])
def test_a_body_of_the_wrong_size_and_no_length_is_refused_too(daemon, size):
    headers = {"Content-Type": "application/octet-stream", "X-Matted-Format": "rgb8"}
    headers |= {"X-Matted-Width": "10", "X-Matted-Height": "10"}
    status, _, _ = daemon.ask(
        "POST", "/v1/pictures", body=iter([bytes(200), bytes(size - 200)]), headers=headers
    )
    assert status == 400


def test_absurd_dimensions_are_refused_before_anything_is_allocated(daemon):
    status, detail = send_raw(daemon, 300, Width="16000000", Height="16000000")
    assert status == 413
    assert "at most 300 megapixels" in detail


def test_a_picture_bomb_is_refused_from_its_header(start):
    daemon = start(max_pixels=1000)
    with daemon.client() as matted, pytest.raises(ClientError) as caught:
        matted.mask(Encoded(png(noise(40, 40, 1)[..., 0])))
    assert caught.value.slug == "picture-too-large"


def test_an_upload_over_the_limit_is_refused(start):
    daemon = start(max_upload_mb=1)
    with daemon.client() as matted, pytest.raises(ClientError) as caught:
        matted.upload(Encoded(bytes(3 << 20)))
    assert (caught.value.slug, str(caught.value)) == (
        "picture-too-large",
        "The upload is larger than 1 MB (the setting max_upload_mb).",
    )


def test_an_upload_over_the_limit_without_a_length_is_refused(start):
    daemon = start(max_upload_mb=1)
    pieces = (bytes(1 << 18) for _ in range(20))
    status, _, _ = daemon.ask("POST", "/v1/pictures", body=pieces, headers={"Content-Type": "image/png"})
    assert status == 413


@pytest.mark.parametrize("content", [b"", b"no picture at all", png(noise(9, 9, 3))[:200]])
def test_what_is_no_picture_is_refused(daemon, content):
    with daemon.client() as matted, pytest.raises(ClientError) as caught:
        matted.upload(Encoded(content))
    assert caught.value.status in (415, 422)


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/json"])
def test_other_kinds_of_body_are_refused(daemon, kind):
    status, _, body = daemon.ask("POST", "/v1/mask", body=b"x", headers={"Content-Type": kind})
    assert status == 415
    assert "image/..." in json.loads(body)["detail"]


def test_a_compressed_body_is_no_picture(daemon):
    headers = {"Content-Type": "image/png", "Content-Encoding": "deflate"}
    status, _, _ = daemon.ask("POST", "/v1/mask", body=zlib.compress(bytes(1 << 24)), headers=headers)
    assert status in (415, 422)


def test_a_failure_of_the_engine_is_its_sentence(daemon, pipeline):
    pipeline.error = ProviderFailed("The graphics card gave up.")
    with daemon.client() as matted, pytest.raises(ClientError, match="The graphics card gave up") as caught:
        matted.mask(planes(noise(2, 2, 3)))
    assert (caught.value.slug, caught.value.status) == ("provider-failed", 503)


def test_an_unforeseen_failure_shows_no_stack_trace(daemon, pipeline):
    pipeline.error = ZeroDivisionError("in the middle of it")
    status, headers, body = daemon.ask(
        "POST", "/v1/mask", body=png(noise(2, 2, 3)), headers={"Content-Type": "image/png"}
    )
    assert (status, headers["content-type"]) == (500, "application/problem+json")
    assert b"Traceback" not in body
    assert b"ZeroDivision" not in body
    assert headers["x-matted-reference"] in json.loads(body)["detail"]


def test_too_little_memory_is_a_sentence(daemon, pipeline):
    pipeline.error = MemoryError()
    with daemon.client() as matted, pytest.raises(ClientError, match="not enough memory") as caught:
        matted.mask(planes(noise(2, 2, 3)))
    assert caught.value.status == 507


def test_a_long_profile_travels_along(daemon, pipeline):
    profile = bytes(36) + b"acsp" + bytes(700_000)
    with daemon.client() as matted:
        uploaded = matted.upload(planes(noise(2, 2, 3))._replace(profile=profile))
    assert pipeline.cache.get((uploaded.id, "picture")).icc == profile


def test_pixels_may_be_sent_in_several_buffers(daemon):
    pixels = noise(8, 9, 3)
    strips = [memoryview(np.ascontiguousarray(pixels[top : top + 3])) for top in range(0, 8, 3)]
    with daemon.client() as matted:
        assert bytes(matted.mask(Planes(strips, 9, 8, "rgb8")).data) == pixels[..., 0].tobytes()


def test_many_clients_at_once_get_each_their_own(daemon):
    wrong: list[int] = []

    def one(number: int) -> None:
        with daemon.client() as matted:
            for turn in range(15):
                pixels = noise(20 + number, 30 + turn, 3 + turn % 2, seed=100 * number + turn)
                source: Planes | Uploaded = planes(pixels)
                if turn % 3 == 0:
                    source = matted.upload(planes(pixels))
                if bytes(matted.mask(source).data) != pixels[..., 0].tobytes():
                    wrong.append(number)

    threads = [threading.Thread(target=one, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
