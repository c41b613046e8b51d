"""Plain-language questions about weights, answered by the inspector's own methods: fixed rules, no model, no guessing.

The rules, in the order they are tried; the first whose words occur, and for which there are as many names as it takes,
answers:

| words, among others                            | names | answered by                                              |
|------------------------------------------------|-------|----------------------------------------------------------|
| share, tied, alias, coupled                    | 0     | get_shared_weights                                       |
|                                                | 1     | get_shared_layers                                        |
|                                                | 2     | compare_weights                                          |
| compare, difference, differ, identical, versus | 2     | compare_weights                                          |
| similar, resemble, alike, closest              | 1     | find_similar_weights (correlation; `cosine`, `l2` asked) |
| anomaly, wrong, NaN, infinite, dead, outlier   | any   | detect_anomalies                                         |
| distribution, histogram, skewness, percentile  | 1     | get_weight_distribution                                  |
| largest, biggest                               | 0     | get_weight_summary                                       |
| mean, std, norm, minimum, zeros, statistics    | 1     | get_weight_statistics                                    |
| shape, dtype, device, trainable, describe      | 1     | get_layer_parameters                                     |
| how many, summary, overview, total, size       | 0     | get_weight_summary                                       |
|                                                | 1     | get_layer_parameters                                     |
| layers, modules                                | 0     | get_layer_names                                          |
| list, names, which, parameters                 | 0     | list_parameters                                          |
| none of these                                  | 1     | get_layer_parameters                                     |

A name is any tensor name or module path of the model, aliases included. A word without a dot that is also a word of
the rules (`norm`, `shared`) is a name only in quotes or backticks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from introspection.errors import InvalidArgument, PalimpsestError, UnknownName

if TYPE_CHECKING:
    from introspection.weights import WeightInspector

LISTED = 20
"""Entries of a list or of a dict by name that an answer holds; it says how many there are."""

_TOKEN = re.compile(r"[`'\"]([^`'\"\s]+)[`'\"]|([A-Za-z_][\w.\[\]]*)")
_STATISTICS = {
    "mean": ("mean", "average"),
    "std": ("std", "deviation", "variance", "spread"),
    "min": ("min", "minimum", "range", "smallest"),
    "max": ("max", "maximum", "range"),
    "median": ("median",),
    "abs_mean": ("magnitude", "magnitudes", "abs_mean"),
    "l2_norm": ("norm", "norms", "frobenius", "l2"),
    "l1_norm": ("l1",),
    "zero_share": ("zero", "zeros", "zeroes", "sparsity", "sparse"),
    "near_zero_share": ("near-zero", "near_zero"),
}


@dataclass(frozen=True, slots=True)
class _Question:
    """A question, taken apart."""

    words: frozenset[str]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a rule says; `result` is what the method returned."""

    method: str
    arguments: dict[str, Any]
    words: str
    result: Any


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of question."""

    words: frozenset[str]
    names: range
    """How many names it takes."""
    answer: Callable[[WeightInspector, _Question], _Answer]
    example: str


def answer_question(inspector: WeightInspector, text: str, known: frozenset[str]) -> dict[str, Any]:
    """Answers a question by the rules above.

    Args:
        inspector: What knows the facts.
        text: The question.
        known: Every tensor name and module path.

    Returns:
        `question`, `method` and `arguments` (the call that answered; None if none did), `answer` (a sentence),
        `result` (what the call returned, long lists cut to 20 entries and counted), and `can_answer` (examples, where
        nothing was answered).

    Raises:
        InvalidArgument: No text.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgument("text", text, "ask a question in words, such as 'which weights are tied?'")
    question, unknown = _taken_apart(text, known)
    if unknown is not None:
        return _unanswered(text, str(unknown.message) + (f"; {unknown.remedy}" if unknown.remedy else ""))
    lacking: _Rule | None = None
    for rule in _RULES:
        if rule.words.isdisjoint(question.words):
            continue
        if len(question.names) not in rule.names:
            lacking = lacking or rule
            continue
        return _asked(inspector, text, rule.answer, question)
    if lacking is not None:
        wanted = " or ".join(map(str, lacking.names))
        return _unanswered(text, f"this takes {wanted} names and has {len(question.names)}, as in: {lacking.example}")
    if len(question.names) == 1:
        return _asked(inspector, text, _described, question)
    return _unanswered(text, "no rule fits this question")


def _asked(
    inspector: WeightInspector, text: str, ask: Callable[[WeightInspector, _Question], _Answer], question: _Question
) -> dict[str, Any]:
    try:
        found = ask(inspector, question)
    except PalimpsestError as error:
        return _unanswered(text, error.message + (f"; {error.remedy}" if error.remedy else ""))
    return {
        "question": text,
        "method": found.method,
        "arguments": found.arguments,
        "answer": found.words,
        "result": _bounded(found.result),
    }


def _unanswered(text: str, why: str) -> dict[str, Any]:
    return {
        "question": text,
        "method": None,
        "arguments": {},
        "answer": f"Not answered: {why}. Questions that can be answered are like those in `can_answer`.",
        "result": None,
        "can_answer": [rule.example for rule in _RULES],
    }


def _taken_apart(text: str, known: frozenset[str]) -> tuple[_Question, UnknownName | None]:
    names: list[str] = []
    words: set[str] = set()
    for quoted, bare in _TOKEN.findall(text):
        token = quoted or bare.rstrip(".")
        if token in known and (quoted or "." in token or token.lower() not in _KEYWORDS):
            if token not in names:
                names.append(token)
        elif quoted or _looks_like_a_name(token):
            return _Question(frozenset(words), tuple(names)), UnknownName(token, known)
        else:
            words.add(token.lower())
    if "how" in words and "many" in words:
        words.add("how many")
    return _Question(frozenset(words), tuple(names)), None


def _looks_like_a_name(token: str) -> bool:
    # `e.g` is no name.
    return "." in token and any(len(part) > 1 for part in token.split("."))


def _bounded(result: Any) -> Any:
    if isinstance(result, list) and len(result) > LISTED:
        return {"total": len(result), "first": result[:LISTED]}
    if isinstance(result, dict) and len(result) > LISTED and all(isinstance(each, dict) for each in result.values()):
        return {"total": len(result), "first": dict(list(result.items())[:LISTED])}
    return result


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def _shared(inspector: WeightInspector, question: _Question) -> _Answer:
    if not question.names:
        groups = inspector.get_shared_weights()
        said = "; ".join(" and ".join(names) for names in list(groups.values())[:LISTED])
        words = f"{len(groups)} storages have several names: {said}" if groups else "no two names are one storage"
        return _Answer("get_shared_weights", {}, words, groups)
    if len(question.names) == 2:
        return _compared(inspector, question)
    (name,) = question.names
    others = inspector.get_shared_layers(name)
    words = f"{name} shares memory with {_listed(others)}" if others else f"{name} shares memory with no other name"
    return _Answer("get_shared_layers", {"name": name}, words, others)


def _compared(inspector: WeightInspector, question: _Question) -> _Answer:
    first, second = question.names
    found = inspector.compare_weights(first, second)
    return _Answer("compare_weights", {"a": first, "b": second}, found["words"], found)


def _similar(inspector: WeightInspector, question: _Question) -> _Answer:
    (name,) = question.names
    metric = "cosine" if "cosine" in question.words else "l2" if "l2" in question.words else "correlation"
    found = inspector.find_similar_weights(name, top_k=5, metric=metric)  # type: ignore[arg-type]
    said = ", ".join(f"{each['name']} ({each['score']:.4g})" for each in found["similar"])
    words = f"by {metric}, most like {name}: {said}" if said else f"nothing of the shape of {name} can be compared"
    if found["aliases"]:
        words += f"; {_listed(found['aliases'])} is the same storage"
    return _Answer("find_similar_weights", {"ref": name, "top_k": 5, "metric": metric}, words, found)


def _anomalous(inspector: WeightInspector, question: _Question) -> _Answer:
    found = inspector.detect_anomalies(list(question.names) or None)
    where = _listed(list(question.names)) or "the model"
    said = "; ".join(each["words"] for each in found["findings"][:LISTED])
    words = f"{len(found['findings'])} findings in {where}: {said}" if said else f"nothing wrong was found in {where}"
    if found["unreadable"]:
        words += f"; {len(found['unreadable'])} tensors could not be read"
    found["findings"] = _bounded(found["findings"])
    return _Answer("detect_anomalies", {"names": list(question.names) or None}, words, found)


def _distributed(inspector: WeightInspector, question: _Question) -> _Answer:
    (name,) = question.names
    found = inspector.get_weight_distribution(name)
    one = found if "histogram" in found else None
    words = (
        f"{one['name']}: {one['finite_count']} finite values from {one['min']} to {one['max']}, median "
        f"{one['percentiles']['50']}, skewness {one['skewness']}, excess kurtosis {one['excess_kurtosis']}"
        if one
        else f"{name} names {len(found)} tensors: {_listed(list(found))}"
    )
    return _Answer("get_weight_distribution", {"name": name}, words, found)


def _measured(inspector: WeightInspector, question: _Question) -> _Answer:
    (name,) = question.names
    found = inspector.get_weight_statistics(name)
    if "histogram" not in found:
        words = f"{name} names {len(found)} tensors: {_listed(list(found))}"
    else:
        asked = [key for key, words in _STATISTICS.items() if not question.words.isdisjoint(words)]
        said = ", ".join(f"{key} {found[key]}" for key in asked or ("mean", "std", "min", "max", "l2_norm"))
        words = f"{found['name']}: {said}"
        if found["nan_count"] or found["inf_count"]:
            words += f" (of its finite values; {found['nan_count']} are NaN and {found['inf_count']} infinite)"
        if "warning" in found:
            words += f"; {found['warning']}"
    return _Answer("get_weight_statistics", {"name": name}, words, found)


def _described(inspector: WeightInspector, question: _Question) -> _Answer:
    (name,) = question.names
    found = inspector.get_layer_parameters(name)
    said = "; ".join(
        f"{each['name']} is a {each['dtype']} {each['kind']} of shape {each['shape']} on {each['device']}"
        + ("" if each["requires_grad"] else ", not trained")
        + (f", and shares memory with {_listed(each['shared_with'])}" if each["shared_with"] else "")
        for each in found[:LISTED]
    )
    elements = sum(each["num_elements"] or 0 for each in {each["storage_key"]: each for each in found}.values())
    words = f"{name} holds {elements} elements: {said}" if found else f"{name} holds no tensor"
    return _Answer("get_layer_parameters", {"prefix": name}, words, found)


def _listing(inspector: WeightInspector, question: _Question) -> _Answer:
    if not question.words.isdisjoint(("layers", "layer", "modules")):
        layers = inspector.get_layer_names()
        return _Answer("get_layer_names", {}, f"{len(layers)} layers hold tensors: {_listed(layers)}", layers)
    found = inspector.list_parameters()
    names = [each["name"] for each in found]
    return _Answer("list_parameters", {}, f"{len(names)} parameter names: {_listed(names)}", found)


def _summary(inspector: WeightInspector, question: _Question) -> _Answer:
    if question.names:
        return _described(inspector, question)
    found = inspector.get_weight_summary()
    words = found["words"]
    if not question.words.isdisjoint(_LARGEST):
        words = "; ".join(f"{each['name']} {each['shape']}, {each['num_elements']}" for each in found["largest"])
    return _Answer("get_weight_summary", {}, words, found)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LARGEST = _words("largest biggest heaviest")
_RULES = (
    _Rule(
        _words("share shares shared sharing tie ties tied tying untied alias aliases coupled"),
        range(3),
        _shared,
        "Which weights are tied? What shares memory with NAME? Do NAME and NAME share memory?",
    ),
    _Rule(
        _words("compare compared comparison difference differences differ differs different identical equal versus vs"),
        range(2, 3),
        _compared,
        "How does NAME differ from NAME?",
    ),
    _Rule(
        _words("similar similarity resemble resembles alike closest nearest"),
        range(1, 2),
        _similar,
        "Which weights are similar to NAME, by cosine?",
    ),
    _Rule(
        _words("anomaly anomalies anomalous wrong nan nans inf infs infinite infinity infinities dead broken")
        | _words("health healthy outlier outliers problem problems corrupt corrupted"),
        range(1000),
        _anomalous,
        "Is anything wrong with the weights? Are there NaN in NAME?",
    ),
    _Rule(
        _words("distribution distributed histogram skew skewness kurtosis percentile percentiles quantile quantiles"),
        range(1, 2),
        _distributed,
        "How are the values of NAME distributed?",
    ),
    _Rule(_LARGEST, range(1), _summary, "Which are the largest weights?"),
    _Rule(
        frozenset(word for words in _STATISTICS.values() for word in words) | _words("statistics stats values"),
        range(1, 2),
        _measured,
        "What are the mean and the norm of NAME?",
    ),
    _Rule(
        _words("shape dimensions dtype type precision device trainable trained frozen describe"),
        range(1, 2),
        _described,
        "What is the shape of NAME?",
    ),
    _Rule(
        _words("summary summarise summarize overview count number total size memory bytes big") | {"how many"},
        range(2),
        _summary,
        "How many parameters are there? How many has NAME?",
    ),
    _Rule(
        _words("list names layers modules parameters weights which"),
        range(1),
        _listing,
        "List the parameters. Which layers are there?",
    ),
)
_KEYWORDS = frozenset(word for rule in _RULES for word in rule.words)
