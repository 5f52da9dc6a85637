"""What TestState tells of the way from a state's input to its output.

The fields of a compiled state are wrapped so that each notes what it gave. Which of them AWS
shows for which type of state is as recorded on AWS. Source:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_InspectionData.html
"""

from __future__ import annotations

from typing import Any

from emulator.states import machine
from emulator.states.documents import dumps
from emulator.states.scopes import View
from emulator.states.templates import Template

_ROUND_TRIP = ("afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath")
_SHOWN = {
    "Pass": frozenset(_ROUND_TRIP),
    "Task": frozenset({*_ROUND_TRIP, "result"}),
    "Parallel": frozenset({"afterResultSelector", "afterResultPath"}),
    "Map": frozenset(
        {"afterInputPath", "afterItemsPath", "afterResultSelector", "afterResultPath"}
    ),
}
_SHOWN_OTHERWISE = frozenset({"afterInputPath"})
_SHOWN_OF_RESULTS = frozenset({"result", "afterResultSelector", "afterResultPath"})
"""Of a Pass state with Result, which does not look at its input."""
_SHOWN_JSONATA = {"Task": frozenset({"afterArguments", "result"})}


class Inspection:
    """Notes the stages of one attempt; `data` gives them as InspectionData."""

    def __init__(self, state: machine.State, input_text: str) -> None:
        self._state = state
        self._found: dict[str, Any] = {"input": input_text}
        if state.jsonata:
            state.parameters = state.parameters and self._noting("afterArguments", state.parameters)
            state.output = self._noting_result(state.output)
        else:
            self._watch_paths(state)
        if isinstance(state, machine.MapState):
            self._watch_map(state)

    def data(self, variables: dict[str, Any], details: dict[str, int]) -> dict[str, Any]:
        """InspectionData, with the variables after the state and what became of its error."""
        found = dict(self._found)
        if variables:
            found["variables"] = dumps(variables)
        if details:
            found["errorDetails"] = details
        return found

    def _watch_paths(self, state: machine.State) -> None:
        state.input_path = self._noting("afterInputPath", state.input_path)
        state.output_path = self._noting_data("afterResultPath", state.output_path)
        state.result_selector = self._noting(
            "afterResultSelector", self._noting_data("result", state.result_selector)
        )
        if not isinstance(state, machine.MapState):
            state.parameters = self._noting("afterParameters", state.parameters)

    def _watch_map(self, state: machine.MapState) -> None:
        self._found["maxConcurrency"] = 0
        if not state.jsonata:
            state.items = self._noting("afterItemsPath", state.items)
        if state.concurrency is not None:
            read = state.concurrency

            def concurrency(view: View) -> int:
                self._found["maxConcurrency"] = found = read(view)
                return found

            state.concurrency = concurrency

    def _noting(self, stage: str, template: Template | None) -> Template:
        """``template`` (or what passes the data on), which notes what it gives."""

        def evaluate(view: View) -> Any:
            value = view.data if template is None else template(view)
            self._note(stage, value)
            return value

        return evaluate

    def _noting_data(self, stage: str, template: Template | None) -> Template:
        """``template``, which notes what it is given."""

        def evaluate(view: View) -> Any:
            self._note(stage, view.data)
            return view.data if template is None else template(view)

        return evaluate

    def _noting_result(self, template: Template | None) -> Template | None:
        if self._state.type not in _SHOWN_JSONATA:
            return template

        def evaluate(view: View) -> Any:
            self._note("result", view.states["result"])
            return view.states["result"] if template is None else template(view)

        return evaluate

    def _note(self, stage: str, value: Any) -> None:
        state = self._state
        if state.jsonata:
            shown = _SHOWN_JSONATA.get(state.type, frozenset())
        elif isinstance(state, machine.PassState) and state.has_result:
            shown = _SHOWN_OF_RESULTS
        else:
            shown = _SHOWN.get(state.type, _SHOWN_OTHERWISE)
        if stage in shown:
            self._found[stage] = dumps(value)
