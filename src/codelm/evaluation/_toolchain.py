"""What programs in other languages than Python are built and run with."""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from codelm.errors import MissingError, UsageError

VERSION_S = 10.0  # for a tool to say its version
PROGRAMS = "/usr/local/bin:/usr/bin:/bin"  # where the sandbox's programs find others


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """How a language's program becomes a file, a command that builds it, and one that runs it."""

    name: str
    packages: tuple[str, ...]  # of Debian
    file: str  # that holds the program's text
    build: tuple[str, ...] = ()  # makes what `run` runs; empty: nothing to be made
    run: tuple[str, ...]
    paths: tuple[str, ...]  # of the host, for `Sandbox(paths=...)`
    files: Mapping[str, bytes] = field(default_factory=dict)  # beside the program's
    echo: str  # statement that copies standard input to standard error
    failed: bytes  # of an assertion that fails: words on standard error

    def require(self) -> None:
        """Raises: MissingError where the tool is not on this machine."""
        tool = (self.build or self.run)[0]
        if shutil.which(tool, path=PROGRAMS) is None:
            raise MissingError(
                f"{self.name} programs need {tool}, which is not in {PROGRAMS}: "
                f"apt-get install {' '.join(self.packages)}"
            )


# Node's own only says that it failed, and goes on.
JS_ASSERT = b"""\
const { AssertionError } = require("assert");
Object.defineProperty(console, "assert", {
  value: (holds, ...words) => {
    if (!holds) throw new AssertionError({ message: words.join(" ") || "an assertion of the tests" });
  },
  writable: false,
  configurable: false,
});
"""
# In the place of the one package that HumanEval-X requires from npm, in JavaScript/162.
JS_MD5 = b'module.exports = text => require("crypto").createHash("md5").update(text).digest("hex")\n'

TOOLCHAINS = {
    "cpp": Toolchain(
        name="C++",
        packages=("g++", "libboost-dev", "libssl-dev"),  # HumanEval-X: CPP/22 and 137 need boost, 162 OpenSSL
        file="test.cpp",
        build=("g++", "-std=c++11", "test.cpp"),
        run=("./a.out",),
        paths=("/usr/bin", "/usr/include"),
        echo="for (int c; (c = getchar()) != EOF;) putc(c, stderr);",
        failed=b": Assertion `",  # glibc's
    ),
    "js": Toolchain(
        name="JavaScript",
        packages=("nodejs",),
        file="test.js",
        run=("node", "-r", "./assert.js", "test.js"),
        paths=("/usr/bin", "/usr/local/bin", "/usr/share/nodejs"),
        files={"node_modules/js-md5.js": JS_MD5, "assert.js": JS_ASSERT},
        echo='process.stderr.write(require("fs").readFileSync(0));',
        failed=b"\nAssertionError [ERR_ASSERTION]: ",
    ),
}


def toolchain_of(language: str) -> Toolchain:
    """The toolchain of a problem's language. Raises: UsageError for one that is not judged."""
    if language not in TOOLCHAINS:
        raise UsageError(f"language {language!r} is not judged; python, {', '.join(TOOLCHAINS)} are")
    return TOOLCHAINS[language]


def versions(languages: Iterable[str]) -> dict[str, str]:
    """What each language's tool says of its version; they decide verdicts, too."""
    return {
        language: _version((TOOLCHAINS[language].build or TOOLCHAINS[language].run)[0])
        for language in sorted(languages)
    }


@functools.cache
def _version(tool: str) -> str:
    """The first line of its `--version`; empty where it is absent."""
    try:
        asked = subprocess.run(
            [tool, "--version"],
            env={"PATH": PROGRAMS},
            capture_output=True,
            text=True,
            timeout=VERSION_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.partition("\n")[0]


def host_paths(languages: Iterable[str]) -> tuple[str, ...]:
    """What of the host the programs of some languages must see, as far as it is there."""
    named = [path for language in languages if language in TOOLCHAINS for path in TOOLCHAINS[language].paths]
    return tuple(path for path in dict.fromkeys(named) if os.path.exists(path))
