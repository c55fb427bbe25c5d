"""The loop: it learns, and neither a kill nor Ctrl-C nor saving changes what it ends with."""

import hashlib
import math
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from codelm.errors import InputError, UsageError
from codelm.files import read_jsonl
from codelm.model import GPT, GPTConfig, checkpoint_digest, load_checkpoint
from codelm.shards import TokenShards
from codelm.tokenizer import Tokenizer
from codelm.training import (
    Batch,
    MaskedSolutionObjective,
    PlainHeldOut,
    PlainObjective,
    TrainConfig,
    mean_loss,
    train,
)

CONFIG = TrainConfig(steps=30, learning_rate=3e-3, warmup_steps=5, log_every=4, validate_every=12)


def small(tokenizer: Tokenizer) -> GPT:
    return GPT(GPTConfig(n_layer=2, n_embd=32, n_head=2, vocab_size=tokenizer.vocab_size, n_ctx=32), seed=0)


def plain(shards: TokenShards, *, seed: int = 0) -> PlainObjective:
    return PlainObjective(shards, batch_size=4, length=16, seed=seed)


def held_out(shards: TokenShards) -> PlainHeldOut:
    return PlainHeldOut(shards, batch_size=4, length=16, max_windows=8)


def digest_of(run: Path) -> str:
    """Of everything a finished run leaves for others: checkpoint and loss curve."""
    return checkpoint_digest(run) + hashlib.sha256((run / "history.jsonl").read_bytes()).hexdigest()


def test_plain_training_learns(model: GPT, shards: TokenShards, tokenizer: Tokenizer, run: Path) -> None:
    """The loss starts at that of guessing and falls well below it; the checkpoint holds the trained model."""
    config = TrainConfig(steps=120, learning_rate=3e-3, warmup_steps=10)
    result = train(model, plain(shards), config, run, tokenizer=tokenizer, validation=held_out(shards))
    first = next(read_jsonl(run / "history.jsonl")).value
    assert first["loss"] == pytest.approx(math.log(tokenizer.vocab_size), rel=0.15)
    assert result.loss < 2.0
    assert result.steps == 120
    assert result.tokens == 120 * 4 * 16
    loaded, _ = load_checkpoint(run)
    assert mean_loss(loaded, held_out(shards).batches()) == result.validation_loss


def test_masked_training_learns_solutions_not_prompts(
    model: GPT, shards: TokenShards, tokenizer: Tokenizer, run: Path
) -> None:
    """After training, solutions are likely and the (random) prompts are not: they carried no loss."""
    texts = [(f"f{i} gives", f" {i % 3}") for i in range(30)]
    examples = [(tokenizer.encode(prompt), tokenizer.encode(solution)) for prompt, solution in texts]
    end = tokenizer.end_of_text_id
    objective = MaskedSolutionObjective(examples, batch_size=6, seed=0, end_of_text_id=end, max_length=32)
    config = TrainConfig(steps=150, learning_rate=3e-3, warmup_steps=10)
    result = train(model, objective, config, run, tokenizer=tokenizer)
    prompts = [prompt for prompt, _ in examples]
    whole = Batch(torch.tensor([prompts[0][:-1]]), torch.tensor([prompts[0][1:]]), None)
    assert result.loss < 1.0
    assert result.validation_loss is None
    assert mean_loss(model, [whole]) > 4.0


def test_history_has_a_row_per_interval_and_per_validation(
    model: GPT, shards: TokenShards, tokenizer: Tokenizer, run: Path
) -> None:
    """Rows stand at multiples of log_every, of validate_every, and at the end."""
    train(model, plain(shards), CONFIG, run, tokenizer=tokenizer, validation=held_out(shards))
    rows = [row.value for row in read_jsonl(run / "history.jsonl")]
    assert [row["step"] for row in rows] == [4, 8, 12, 16, 20, 24, 28, 30]
    assert [row["step"] for row in rows if row["validation_loss"] is not None] == [12, 24, 30]
    assert [row["tokens"] for row in rows] == [row["step"] * 64 for row in rows]
    assert rows[-1]["learning_rate"] == pytest.approx(3e-4)


def test_one_update_equals_adamw_by_hand(
    model: GPT, shards: TokenShards, tokenizer: Tokenizer, run: Path
) -> None:
    """Clipping, bias correction, decoupled decay and its exceptions, written out in float64."""
    config = TrainConfig(steps=1, learning_rate=1e-2, warmup_steps=0, max_grad_norm=0.5)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    batch = plain(shards).batch(0)
    logits = model(batch.tokens_BT)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets_BT.flatten())
    gradients = dict(zip(before, torch.autograd.grad(loss, list(model.parameters())), strict=True))
    norm = math.sqrt(sum(gradient.double().square().sum().item() for gradient in gradients.values()))
    assert norm > 0.5
    train(model, plain(shards), config, run, tokenizer=tokenizer)
    for name, value in model.named_parameters():
        gradient = gradients[name].double() * 0.5 / norm
        decay = 0.1 if value.dim() == 2 else 0.0
        update = gradient / (
            gradient.abs() + 1e-8
        )  # the first update: both moments are corrected to g and g^2
        expected = before[name].double() * (1 - 1e-2 * decay) - 1e-2 * update
        torch.testing.assert_close(value.double(), expected, atol=2e-5, rtol=1e-4)


def test_saving_often_changes_nothing(shards: TokenShards, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A run saved after every update ends with the bytes of one saved at its end only."""
    for name, save_every_s in (("often", 0.0), ("once", 1e9)):
        model = small(tokenizer)
        train(model, plain(shards), CONFIG, tmp_path / name, tokenizer=tokenizer, save_every_s=save_every_s)
    assert digest_of(tmp_path / "often") == digest_of(tmp_path / "once")


def test_ctrl_c_saves_and_the_run_goes_on_exactly(
    shards: TokenShards, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Interrupted amid an update, it finishes that update, saves, and raises KeyboardInterrupt."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(small(tokenizer), plain(shards), CONFIG, whole, tokenizer=tokenizer, validation=held_out(shards))

    class Interrupted(PlainObjective):
        def batch(self, step: int) -> Batch:
            if step == 13:
                signal.raise_signal(signal.SIGINT)
            return super().batch(step)

    interrupted = Interrupted(shards, batch_size=4, length=16, seed=0)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(small(tokenizer), interrupted, CONFIG, cut, tokenizer=tokenizer, validation=held_out(shards))
    assert signal.getsignal(signal.SIGINT) is handler
    assert [row.value["step"] for row in read_jsonl(cut / "history.jsonl")] == [4, 8, 12]
    assert not (cut / "model.safetensors").exists()
    train(small(tokenizer), plain(shards), CONFIG, cut, tokenizer=tokenizer, validation=held_out(shards))
    assert digest_of(cut) == digest_of(whole)


def test_finished_run_is_not_trained_again(shards: TokenShards, tokenizer: Tokenizer, run: Path) -> None:
    """A second call reads no batch and returns the same result."""

    class Unread(PlainObjective):
        def batch(self, step: int) -> Batch:
            raise AssertionError(step)

    first = train(small(tokenizer), plain(shards), CONFIG, run, tokenizer=tokenizer)
    unread = Unread(shards, batch_size=4, length=16, seed=0)
    model = small(tokenizer)
    again = train(model, unread, CONFIG, run, tokenizer=tokenizer)
    assert again[:4] == first[:4]
    assert torch.equal(model.wte.weight, load_checkpoint(run)[0].wte.weight)


def test_state_of_other_settings_is_refused_with_the_difference(
    shards: TokenShards, tokenizer: Tokenizer, run: Path
) -> None:
    """Another learning rate, other data or other first weights are another run."""
    train(small(tokenizer), plain(shards), CONFIG, run, tokenizer=tokenizer)
    faster = TrainConfig(steps=30, learning_rate=4e-3, warmup_steps=5, log_every=4, validate_every=12)
    with pytest.raises(InputError, match=r"other settings \(config\.learning_rate was 0\.003, now 0\.004\)"):
        train(small(tokenizer), plain(shards), faster, run, tokenizer=tokenizer)
    with pytest.raises(InputError, match=r"\(training_data\.seed was 0, now 1\)"):
        train(small(tokenizer), plain(shards, seed=1), CONFIG, run, tokenizer=tokenizer)
    other = small(tokenizer)
    with torch.no_grad():
        other.wpe.weight[0, 0] += 1.0
    with pytest.raises(InputError, match="first_parameters was"):
        train(other, plain(shards), CONFIG, run, tokenizer=tokenizer)


def test_damaged_state_is_refused(shards: TokenShards, tokenizer: Tokenizer, run: Path) -> None:
    """A state cut short is an input error that names the file."""
    train(small(tokenizer), plain(shards), CONFIG, run, tokenizer=tokenizer)
    path = run / "training.safetensors"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"training\.safetensors: not a whole safetensors file"):
        train(small(tokenizer), plain(shards), CONFIG, run, tokenizer=tokenizer)


@pytest.mark.parametrize("kept", [0, 3])
def test_history_that_lost_rows_is_refused(
    kept: int, shards: TokenShards, tokenizer: Tokenizer, run: Path
) -> None:
    """A loss curve with a hole is not passed off as whole."""
    train(small(tokenizer), plain(shards), CONFIG, run, tokenizer=tokenizer)
    path = run / "history.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:kept]))
    with pytest.raises(InputError, match=r"history\.jsonl: rows up to step 30 are missing"):
        train(small(tokenizer), plain(shards), CONFIG, run, tokenizer=tokenizer)


def test_loss_that_is_no_number_stops_the_run_in_one_line(
    model: GPT, shards: TokenShards, tokenizer: Tokenizer, run: Path
) -> None:
    """The message names the step and the learning rate, and no weights of it are saved."""
    config = TrainConfig(steps=50, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(UsageError, match=r"^step \d+: the loss is .* at learning rate 9\.\d+e\+29; lower"):
        train(model, plain(shards), config, run, tokenizer=tokenizer)
    assert not (run / "model.safetensors").exists()


LONG = TrainConfig(steps=400, learning_rate=3e-3, warmup_steps=20, log_every=7, validate_every=90)

# The same run, in a process of its own that says each step it begins.
KILLED = """
import sys
from test_loop import LONG, PlainObjective, TokenShards, Tokenizer, held_out, small, train
import torch

torch.set_num_threads(1)

class Told(PlainObjective):
    def batch(self, step):
        print(step, flush=True)
        return super().batch(step)

shards, tokenizer = TokenShards.open(sys.argv[1]), Tokenizer.load(sys.argv[2])
told = Told(shards, batch_size=4, length=16, seed=0)
options = {"tokenizer": tokenizer, "validation": held_out(shards)}
train(small(tokenizer), told, LONG, sys.argv[3], **options, save_every_s=0.02)
"""


def test_run_killed_at_five_random_steps_ends_as_an_undisturbed_one(
    shards: TokenShards, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """kill -9 while an update runs or a state is written: same checkpoint, same loss curve, to the bit."""
    tokenizer.save(tmp_path / "tokenizer.json")
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    options = {"tokenizer": tokenizer, "validation": held_out(shards)}
    train(small(tokenizer), plain(shards), LONG, undisturbed, **options)
    command = [
        sys.executable,
        "-c",
        KILLED,
        str(shards.folder),
        str(tmp_path / "tokenizer.json"),
        str(killed),
    ]
    chosen = random.Random(4)
    began_at = []
    for target in sorted(chosen.sample(range(20, 380), 5)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent) as child:
            assert child.stdout is not None
            steps = map(int, child.stdout)
            began_at.append(next(steps))
            next(step for step in steps if step >= target)
            time.sleep(chosen.random() * 0.005)
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL
    assert began_at == sorted(began_at)
    assert began_at[-1] > 0, "no state was ever saved, so nothing was resumed"
    train(small(tokenizer), plain(shards), LONG, killed, **options)
    assert digest_of(killed) == digest_of(undisturbed)
