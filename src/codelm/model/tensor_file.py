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


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors, on the CPU, and metadata of a safetensors file. Raises: InputError: missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            # A copy: what get_tensor gives lies in the mapped file, unaligned, and unaligned sums may differ.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise InputError(f"{path}: not a whole safetensors file ({error})") from error


def check_tensors(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str | Path) -> None:
    """Raises: InputError naming the first tensor that is missing, unknown, or of another shape."""
    for name, tensor in wanted.items():
        if name not in found:
            raise InputError(f"{where}: tensor {name!r} is missing; the model asks for it")
        if found[name].shape != tensor.shape:
            raise InputError(
                f"{where}: tensor {name!r} has shape {tuple(found[name].shape)}, "
                f"the model asks for {tuple(tensor.shape)}"
            )
    for name in found:
        if name not in wanted:
            raise InputError(f"{where}: tensor {name!r} is not one of this model's")
