"""Modules of ours that run inside the boxes, as preludes of a sandbox."""

from pathlib import Path


def prelude_of(*names: str, then: str = "") -> str:
    """Source that makes these modules of this package there, each before those that need it.

    They are compiled there once, before any program, and have builtins of their own, so that a program that
    replaces `builtins.len` breaks only itself. then: a call of the last one's, to warm it.
    """
    sources = {
        f"{__package__}.{name}": Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
        for name in names
    }
    return f"""
import builtins, sys, types
own = dict(vars(builtins))
for name, source in {sources!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    module.__builtins__ = own
    exec(compile(source, f"<{{name}}>", "exec", dont_inherit=True), module.__dict__)
{then and f"module.{then}"}
"""
