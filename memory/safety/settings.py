"""What counts as unsafe, and what follows from it: given in code, or read from TOML."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from memory.errors import InvalidArgument

EditRule = Literal["nonfinite", "norm_ratio", "fraction_changed", "share_of_model", "coupled", "checkpoint"]
"""What a write is judged by."""
MetricRule = Literal["metric_nonfinite", "metric_collapse"]
"""What an evaluation is judged by."""
WatchRule = Literal[
    "activation_nonfinite",
    "weight_nonfinite",
    "gradient_nonfinite",
    "gradient_norm",
    "output_nonfinite",
    "output_entropy",
    "latency",
    "memory",
]
"""What a running model is judged by."""
Rule = EditRule | MetricRule | WatchRule

EDIT_RULES: tuple[str, ...] = get_args(EditRule)
RULES: tuple[str, ...] = (*EDIT_RULES, *get_args(MetricRule), *get_args(WatchRule))

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Share = Annotated[float, Field(gt=0, le=1)]


class SafetySettings(BaseModel):
    """The bounds of every rule, and which rules deny a write, stop the model, or say nothing.

    A rule that is in none of `deny`, `stop` and `ignore` warns. The defaults warn of everything, and deny only writes
    that bring in new NaN or infinite values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    norm_ratio: _Positive = 0.5
    """A write whose change has more than this share of the tensor's norm. Tensors of zeros have no ratio."""
    fraction_changed: _Share | None = None
    """A write that changes more than this share of a tensor's elements; None: no bound, since a scale changes all."""
    share_of_model: _Share | None = 0.5
    """An edit of tensors that together hold more than this share of the model's parameters; None: no bound."""
    edits_between_checkpoints: Annotated[int, Field(ge=1)] | None = 50
    """So many edits without a checkpoint; None: no bound."""

    metric_ratio: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 3.0
    """A metric that should be low (loss, perplexity), at more than so many times its baseline."""
    metric_drop: _Share = 0.5
    """A metric that should be high, fallen by more than this share of its baseline."""
    baseline_values: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many of the first and of the last values of a metric its baseline is made of."""

    memory_megabytes: _Positive = 8000.0
    """Memory of this process, or on one accelerator, in 10⁶ bytes."""
    latency_seconds: _Positive = 5.0
    """How long a forward takes."""
    gradient_norm: _Positive = 100.0
    """Euclidean norm of all gradients together."""
    entropy_low: Annotated[float, Field(ge=0)] = 0.1
    """Mean entropy of the next-token distributions below which an output has collapsed, in nats."""
    entropy_high: _Positive = 10.0
    """Mean entropy above which it says nothing any more, in nats."""

    deny: tuple[EditRule | MetricRule, ...] = ("nonfinite",)
    """Rules that deny a write: its bytes are put back."""
    stop: tuple[Rule, ...] = ()
    """Rules that stop the model: an emergency, until a person clears it."""
    ignore: tuple[Rule, ...] = ()
    """Rules that say nothing; wins over `deny` and `stop`."""
    poll_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """How often a hooked forward looks for stops that other processes ordered; 0: each time."""

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.entropy_low >= self.entropy_high:
            raise ValueError("entropy_low must be below entropy_high")
        return self

    def denies(self, rule: str) -> bool:
        """Whether a finding of this rule denies the write."""
        return rule not in self.ignore and (rule in self.deny or (rule in self.stop and rule in EDIT_RULES))

    def stops(self, rule: str) -> bool:
        """Whether a finding of this rule stops the model."""
        return rule in self.stop and rule not in self.ignore

    def changed(self, name: str, value: Any) -> SafetySettings:
        """Give these settings with one of them changed.

        Raises:
            InvalidArgument: There is no such setting, or it cannot have this value.
        """
        if name not in type(self).model_fields:
            raise InvalidArgument("name", name, _nearest(str(name)))
        return self.checked({**self.model_dump(), name: value})

    @classmethod
    def checked(cls, fields: Mapping[str, Any], *, where: str = "") -> Self:
        """Make settings of fields somebody wrote.

        Raises:
            InvalidArgument: A field is unknown or has a value it cannot have; `where` says whose it is.
        """
        try:
            return cls(**fields)
        except ValidationError as error:
            problem = error.errors()[0]
            name = str(problem["loc"][0]) if problem["loc"] else "safety"
            unknown = problem["type"] == "extra_forbidden"
            remedy = _nearest(name) if unknown else problem["msg"].removeprefix("Value error, ").lower()
            place = f"{where}: {name}" if where else name
            raise InvalidArgument(place, fields.get(name, dict(fields)), remedy) from error

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Self:
        """Read settings from a TOML file: its table `[tool.palimpsest.safety]`, or a file of nothing but settings.

        Raises:
            InvalidArgument: There is no such file, it is no TOML, it has no settings, or one that is wrong.
        """
        where = Path(path)
        try:
            content = tomllib.loads(where.read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidArgument("safety", str(where), f"it cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidArgument("safety", str(where), f"it is no TOML: {error}") from error
        if "tool" in content:
            table = content["tool"].get("palimpsest", {}).get("safety")
            if table is None:
                raise InvalidArgument("safety", str(where), "write the settings into [tool.palimpsest.safety]")
            content = table
        return cls.checked(content, where=where.name)

    @classmethod
    def of(cls, given: SafetySettings | str | os.PathLike[str] | None) -> SafetySettings:
        """Give the settings somebody handed in: as they are, by their file, or the defaults."""
        if given is None:
            return cls()
        return given if isinstance(given, SafetySettings) else cls.from_toml(given)


def _nearest(name: str) -> str:
    known: Iterable[str] = SafetySettings.model_fields
    found = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {', '.join(map(repr, found))}?" if found else f"the settings are {', '.join(known)}"
