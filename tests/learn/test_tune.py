"""The training itself, where PyTorch is: `make test-training`."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training import tune as module  # noqa: E402
from training.losses import matte_loss  # noqa: E402
from training.network import load_weights, normalise, read_state  # noqa: E402
from training.train import new_net  # noqa: E402
from training.tune import SIZE, TunePlan, Tuning, draw_sheet, tune, write_networks  # noqa: E402

START = Path(__file__).parents[2] / "layers" / "model" / "matte.onnx"
SIDE = 416


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures, four of them with an alpha: a disc whose ring the network would not leave out."""
    made = tmp_path_factory.mktemp("tune")
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE]
    far = np.hypot(x - 200, y - 220)
    rgb = np.where((far < 120)[..., None], [200, 40, 40], [230, 230, 230]) + rng.integers(0, 20, (6, SIDE, SIDE, 3))
    np.save(made / "pictures.npy", rgb.astype(np.uint8))
    np.save(made / "alphas.npy", np.broadcast_to(((far < 120) & (far > 60)) * np.uint8(255), (4, SIDE, SIDE)))
    return made


def test_the_decoder_learns_the_encoder_stays_and_the_shares_lie_between(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHEET", 6)
    tune(folder, START, TunePlan(minutes=0.12, threads=2, rate=1e-3, batch=4, drawn=6), [100, 50])
    start, half, whole = (read_state(path) for path in (START, folder / "tuned-50.onnx", folder / "tuned-100.onnx"))
    for name, value in start.items():
        same = name.startswith("enc.") or "running" in name
        assert torch.allclose(value.float(), whole[name].float(), atol=1e-4 if same else 1.0), name
    name = "head.weight"
    assert not torch.equal(start[name], whole[name])
    assert torch.allclose(half[name].float(), (start[name].float() + whole[name].float()) / 2, atol=1e-3)
    with np.load(folder / "sheet.npz") as sheet:
        assert sheet["pictures"].shape[1:] == (SIZE, SIZE, 3)
        assert sheet["alphas"].shape == (len(sheet["pictures"]), 2, SIZE, SIZE)


@torch.no_grad()
def accepted_loss(tuning: Tuning) -> float:
    """The loss on what was accepted, of the foreground."""
    rgb, alphas = tuning._batch(np.random.default_rng(0), 6, SIZE)
    x = normalise(rgb[: len(alphas)])
    logits = tuning.net.decode(tuning.net.enc(x), x)[0]
    targets = torch.cat([alphas, torch.zeros_like(alphas)], dim=1)
    return float(matte_loss(logits, None, targets, torch.tensor([[1.0, 0.0]] * len(x))))


def test_steps_lower_the_loss_on_what_was_accepted(folder: Path) -> None:
    pictures = torch.from_numpy(np.load(folder / "pictures.npy")).permute(0, 3, 1, 2).contiguous()
    tuning = Tuning(
        TunePlan(0.2, 2, rate=1e-3, batch=4, drawn=6), START, pictures, torch.from_numpy(np.load(folder / "alphas.npy"))
    )
    before = accepted_loss(tuning)
    tuning.run()
    assert accepted_loss(tuning) < 0.8 * before
    assert all(
        torch.equal(a, b) for a, b in zip(tuning.net.enc.parameters(), tuning.teacher.enc.parameters(), strict=True)
    )


@pytest.mark.parametrize("threads", [1, 3, 6, 12])
def test_every_threads_part_of_a_batch_has_an_accepted_picture_and_another(folder: Path, threads: int) -> None:
    """`cutline learn` takes all processors, of which there may be more than pictures in a batch."""
    pictures = torch.from_numpy(np.load(folder / "pictures.npy")).permute(0, 3, 1, 2).contiguous()
    alphas = torch.from_numpy(np.load(folder / "alphas.npy"))
    tuning = Tuning(TunePlan(0.2, threads, drawn=2), START, pictures, alphas)
    gradients, loss = tuning._gradients(tuning.rngs[0], 96)
    assert len(gradients) == len(tuning.parameters) and np.isfinite(loss)
    rgb, accepted = tuning._batch(tuning.rngs[-1], tuning.plan.part, 96)
    assert 1 <= len(accepted) < len(rgb)


def test_a_network_that_learned_nothing_is_written_as_it_was(tmp_path: Path) -> None:
    net = new_net("matte").eval()
    load_weights(net, START)
    write_networks(net, START, tmp_path, [100])
    assert (tmp_path / "tuned-100.onnx").read_bytes() == START.read_bytes()


def test_the_sheet_is_the_same_every_time() -> None:
    sums = [hashlib.sha256(part.numpy().tobytes()).hexdigest() for _ in range(2) for part in draw_sheet(96)]
    assert sums[:2] == sums[2:]
    pictures, alphas = draw_sheet(96)
    assert (alphas[:, 0].flatten(1).amax(1) > 127).float().mean() > 0.9
    assert pictures.float().std(dim=(1, 2, 3)).median() > 20
