"""Training speed on a CPU: our update against transformers' GPT-2 of the same shape, and where our time goes.

The reference is the plain loop a user of transformers writes: `GPT2LMHeadModel(input_ids, labels)`, torch's
AdamW as it comes, clipping at 1.0. Both read the same random tokens; rounds alternate (A B A B) and medians
are compared, so that a slow spell of the machine hits both.

On a machine with other work, waiting threads must not spin, or both measure little else:

    OMP_WAIT_POLICY=PASSIVE python benchmarks/bench_training.py [--size 0.8M] [--batch 16] [--length 256]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch.nn.utils import clip_grad_norm_
from transformers import GPT2Config, GPT2LMHeadModel

from codelm.model import GPT, GPTConfig, gpt_config
from codelm.training import Batch, TrainConfig, sum_loss
from codelm.training.memory import memory_kept
from codelm.training.optimizer import make_optimizer

UPDATES = 2  # per round


def main() -> None:
    """Print tokens per second of both, their ratio, and our share of time per part."""
    options = _options()
    config = gpt_config(options.size, vocab_size=options.vocab, n_ctx=options.length)
    shape = (options.batch, options.length + 1)
    tokens = torch.randint(options.vocab, shape, generator=torch.Generator().manual_seed(0))
    batch = Batch(tokens[:, :-1], tokens[:, 1:], None)
    updates = {"codelm": _ours(config, batch), "transformers": _transformers(config, batch)}
    times = _alternate(updates, options.rounds)
    n_tokens = batch.tokens_BT.numel()
    for name, seconds in times.items():
        print(f"{name:14} {n_tokens / statistics.median(seconds):>9,.0f} tokens/s")
    ratio = statistics.median(times["transformers"]) / statistics.median(times["codelm"])
    print(f"{'ratio':14} {ratio:>9.2f}")
    for part, share in _shares(config, batch, options.rounds).items():
        print(f"  {part:12} {share:>9.1%}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", default="0.8M")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _ours(config: GPTConfig, batch: Batch) -> Callable[[], None]:
    model = GPT(config)
    optimizer = make_optimizer(model, TrainConfig(steps=1, learning_rate=1e-3, warmup_steps=0))

    def update() -> None:
        with memory_kept():
            for _ in range(UPDATES):
                loss, targets = sum_loss(model, batch)
                (loss / targets).backward()
                clip_grad_norm_(model.parameters(), 1.0).item()
                optimizer.step()
                optimizer.zero_grad()

    return update


def _transformers(config: GPTConfig, batch: Batch) -> Callable[[], None]:
    shape = {"n_layer": config.n_layer, "n_embd": config.n_embd, "n_head": config.n_head}
    quiet = {"bos_token_id": 0, "eos_token_id": 0, "use_cache": False}
    dropout = {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0}
    model = GPT2LMHeadModel(
        GPT2Config(**shape, **dropout, vocab_size=config.vocab_size, n_positions=config.n_ctx, **quiet)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)

    def update() -> None:
        for _ in range(UPDATES):
            model(input_ids=batch.tokens_BT, labels=batch.tokens_BT).loss.backward()
            clip_grad_norm_(model.parameters(), 1.0).item()
            optimizer.step()
            optimizer.zero_grad()

    return update


def _alternate(updates: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds per update of each, in alternating rounds after one to warm up."""
    times: dict[str, list[float]] = {name: [] for name in updates}
    for number in range(rounds + 1):
        for name, update in updates.items():
            began = time.perf_counter()
            update()
            if number:
                times[name].append((time.perf_counter() - began) / UPDATES)
    return times


def _shares(config: GPTConfig, batch: Batch, rounds: int) -> dict[str, float]:
    """Share of an update per part, from medians."""
    model = GPT(config)
    optimizer = make_optimizer(model, TrainConfig(steps=1, learning_rate=1e-3, warmup_steps=0))
    laps: dict[str, list[float]] = {name: [] for name in ("forward", "backward", "clip", "optimizer")}

    def lap(name: str, work: Callable[[], object]) -> object:
        began = time.perf_counter()
        result = work()
        laps[name].append(time.perf_counter() - began)
        return result

    with memory_kept():
        for _ in range(rounds + 1):
            loss, targets = lap("forward", lambda: sum_loss(model, batch))
            lap("backward", (loss / targets).backward)
            lap("clip", lambda: clip_grad_norm_(model.parameters(), 1.0).item())
            lap("optimizer", optimizer.step)
            optimizer.zero_grad()
    medians = {name: statistics.median(seconds[1:]) for name, seconds in laps.items()}
    return {name: seconds / sum(medians.values()) for name, seconds in medians.items()}


if __name__ == "__main__":
    main()
