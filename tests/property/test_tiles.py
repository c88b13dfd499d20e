"""Tiles of every size up to 300, and at the edges of levels, against a plain recursive tree; and judged by others."""

import hashlib
import itertools
from collections.abc import Callable

import pytest
import tlog_scales
