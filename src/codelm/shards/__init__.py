"""Token shards on disk: written once, memory-mapped, shuffled and resumed without any stored state."""

from codelm.shards.manifest import Manifest
from codelm.shards.read import TokenShards
from codelm.shards.write import write_shards

__all__ = ["Manifest", "TokenShards", "write_shards"]
