"""Every knob and path, typed, from `XPOLL_*` environment variables.

Nothing else in the package reads the environment. Each capability package declares its own
options (`books.options`, `linking.options`, …) with documented defaults; this module only
puts them together. A nested option is set with a double underscore:
`XPOLL_CHUNKING__TARGET_TOKENS=150`.
"""

from __future__ import annotations
