"""safetensors files, written whole or not at all and checked when read."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from codelm.errors import InputError
from codelm.files import atomic_write


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], *, metadata: dict[str, str]) -> None:
    """Write named tensors, atomically; equal tensors give equal bytes. Raises: OutputError."""
    from safetensors.torch import save

    on_cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_write(path) as stream:
        stream.write(save(on_cpu, metadata=metadata))


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read a safetensors file onto the CPU. Raises: InputError when it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except SafetensorError as error:
        raise InputError(f"{path}: not a whole safetensors file ({error})") from error


def check_tensors(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str | Path) -> None:
    """Raises: InputError naming the first tensor that is missing, unknown, or of another shape."""
    for name, tensor in wanted.items():
        if name not in found:
            raise InputError(f"{where}: tensor {name!r} is missing; its config.json asks for it")
        if found[name].shape != tensor.shape:
            raise InputError(
                f"{where}: tensor {name!r} has shape {tuple(found[name].shape)}, "
                f"its config.json asks for {tuple(tensor.shape)}"
            )
    for name in found:
        if name not in wanted:
            raise InputError(f"{where}: tensor {name!r} is not one of this model's")
