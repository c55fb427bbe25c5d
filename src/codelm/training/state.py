"""The state of an unfinished run: everything the next update depends on, in one file, without pickle.

`training.safetensors` holds the parameters and Adam's moments as tensors and, as JSON in its metadata, what
the run is (its settings and the digests of its data and first weights) and how far it has come. One file, one
rename: a killed process leaves the state of one step, never of two.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor
from torch.optim import AdamW

from codelm.errors import InputError
from codelm.files import Json
from codelm.model import GPT, check_tensors, read_tensors, write_tensors
from codelm.training.optimizer import moments, restore_moments

STATE = "training.safetensors"
FORMAT_VERSION = 1
_META = "codelm"
_KINDS = ("parameter", "exp_avg", "exp_avg_sq")


@dataclass
class Position:
    """How far a run has come."""

    step: int = 0  # updates done
    tokens: int = 0  # targets trained on
    loss_sum: float = 0.0  # of the updates since the last row of the history
    loss_tokens: int = 0  # targets behind that sum


def save_state(folder: Path, header: Json, position: Position, model: GPT, optimizer: AdamW) -> None:
    """Write the state, atomically. Raises: OutputError."""
    meta = {"version": FORMAT_VERSION, "header": header, "position": asdict(position)}
    tensors = _named_parameters(model) | moments(model, optimizer)
    write_tensors(folder / STATE, tensors, metadata={_META: json.dumps(meta)})


def load_state(folder: Path, header: Json, model: GPT, optimizer: AdamW) -> Position:
    """Put model and optimiser where the folder's run stands; the beginning when it has no state.

    Raises: InputError when the state is damaged or belongs to a run with other settings or data.
    """
    path = folder / STATE
    if not path.exists():
        return Position()
    tensors, metadata = read_tensors(path)
    position = _parse_meta(metadata, header, path)
    parameters = _named_parameters(model)
    names = {f"{kind}.{name}": value for name, value in model.named_parameters() for kind in _KINDS}
    check_tensors(tensors, names, path)
    for name, parameter in parameters.items():
        parameter.copy_(tensors[name])
    restore_moments(model, optimizer, tensors, position.step)
    return position


def digest_parameters(model: GPT) -> str:
    """SHA-256 over names and values of all parameters, in hex."""
    digest = hashlib.sha256()
    for name, value in _named_parameters(model).items():
        digest.update(name.encode() + b"\0" + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _named_parameters(model: GPT) -> dict[str, Tensor]:
    return {f"parameter.{name}": value.detach() for name, value in model.named_parameters()}


def _parse_meta(metadata: dict[str, str], header: Json, path: Path) -> Position:
    try:
        meta = json.loads(metadata[_META])
        version, found, position = meta["version"], meta["header"], Position(**meta["position"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a training state; delete it to start over") from error
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format version {version!r}, this release reads {FORMAT_VERSION}; delete it"
        )
    wanted = json.loads(json.dumps(header))
    differing = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if differing:
        shown = ", ".join(f"{key} was {found.get(key)!r}, now {wanted.get(key)!r}" for key in differing)
        raise InputError(
            f"{path}: left by a run with other settings ({shown}); "
            "train with those to resume it, or name another folder"
        )
    return position
