"""The tools over the Model Context Protocol, on stdin and stdout: one call's work at a time, errors as tool errors.

A call works in a thread, so the protocol goes on meanwhile. While one works the others wait, which bounds the memory to
one picture's. A cancelled call that waits never begins; one that works stores nothing and ends at its next step.
"""

import base64
import json
import logging
import signal
import time
from typing import Any

import anyio
import jsonschema
from anyio import CapacityLimiter, from_thread, to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ImageContent,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

import cutline
from cutline.agents.schemas import Declared
from cutline.agents.tools import Answer, Tools
from cutline.batch.report import problem_of
from cutline.errors import MattingError
from cutline.pipeline.options import CONTENT_TYPES

_log = logging.getLogger(__name__)
_SHOWN = 200
checkpoint = from_thread.check_cancelled


class AgentServer:
    """Answers a client's requests with `tools`; protocol: the SDK's server."""

    def __init__(self, tools: Tools, instructions: str) -> None:
        self._tools, self._limiter = tools, CapacityLimiter(1)
        self.protocol: Server[Any] = Server(
            "cutline",
            version=cutline.__version__,
            title="Cutline",
            instructions=instructions,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    async def serve(self) -> None:
        """Serve until the client closes stdin."""
        async with stdio_server() as (reading, writing):
            await self.protocol.run(reading, writing, self.protocol.create_initialization_options())

    async def _list(self, context: object, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_shown(tool) for tool in self._tools.declared.values()])

    async def _call(self, context: object, params: CallToolRequestParams) -> CallToolResult:
        return await to_thread.run_sync(self._answer, params.name, params.arguments or {}, limiter=self._limiter)

    def _answer(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Check the arguments and run the tool. Raises only for a cancelled call."""
        begun = time.monotonic()
        checkpoint()
        try:
            problem = self._problem(name, arguments)
            result = _refused(problem) if problem else _result(self._tools.call(name, arguments))
        except OSError as error:
            result = _refused(f"{problem_of(error)}: {error.filename}" if error.filename else problem_of(error))
        except MattingError as error:
            result = _refused(problem_of(error))
        except ValueError as error:
            result = _refused(str(error))
        except Exception:  # the boundary of one call: a bug must not end the server
            _log.exception("%s failed", name[:50])
            result = _refused("internal error; the server's stderr has its trace")
        _log.info("%.50s: %s in %.2f s", name, "refused" if result.is_error else "done", time.monotonic() - begun)
        return result

    def _problem(self, name: str, arguments: dict[str, Any]) -> str:
        """Return what is wrong with a call by the tool's schema, or ""."""
        tool = self._tools.declared.get(name)
        if tool is None:
            return f"there is no tool {name[:50]!r}; there are {', '.join(self._tools.declared)}"
        error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(tool.arguments).iter_errors(arguments))
        if error is None:
            return ""
        where, text = ".".join(map(str, error.absolute_path)), error.message
        if len(text) > 2 * _SHOWN:  # it quotes the value
            text = f"{text[:_SHOWN]} ... {text[-_SHOWN:]}"
        return f"`{where}`: {text}" if where else text


def run(tools: Tools, instructions: str) -> None:
    """Serve until the client closes stdin, or Ctrl-C; logs go to stderr."""
    logging.basicConfig(level=logging.WARNING, format="cutline: %(message)s")
    _log.setLevel(logging.INFO)
    # Python would wait for the thread that waits for stdin.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(AgentServer(tools, instructions).serve)


def _shown(tool: Declared) -> Tool:
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=dict(tool.arguments),
        output_schema=dict(tool.result),
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.writes,
            destructive_hint=False,
            idempotent_hint=not tool.writes,
            open_world_hint=False,
        ),
    )


def _result(answer: Answer) -> CallToolResult:
    """The document as structured content, and as text for clients that show only text."""
    content: list[ContentBlock] = [TextContent(type="text", text=json.dumps(answer.document, ensure_ascii=False))]
    if answer.preview is not None:
        data = base64.b64encode(answer.preview).decode()
        content.append(ImageContent(type="image", data=data, mime_type=CONTENT_TYPES["webp"]))
    return CallToolResult(content=content, structured_content=answer.document)


def _refused(sentence: str) -> CallToolResult:
    text = sentence.encode("utf-8", "backslashreplace").decode()
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
