"""The official Python client: lists the tools of an MCP server, calls each, and prints what it got as JSON.

Arguments: the mode of the handshake, a URL to fetch, then the command of the server.
"""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters


async def main() -> None:
    mode, url, command, *arguments = sys.argv[1:]
    progress = []

    async def told(amount, total, message) -> None:
        progress.append(message)

    async def call(client, tool, arguments, **options):
        result = await client.call_tool(tool, arguments, **options)
        return {"error": result.is_error, "text": result.content[0].text, "structured": result.structured_content}

    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    async with Client(server, mode=mode) as client:
        tools = (await client.list_tools()).tools
        print(
            json.dumps(
                {
                    "version": client.protocol_version,
                    "tools": [tool.name for tool in tools],
                    "preview": await call(client, "preview", {"url": url}),
                    "fetch": await call(client, "fetch", {"url": url}, progress_callback=told),
                    "budget": await call(client, "budget", {}),
                    "purchases": await call(client, "purchases", {}),
                    "refused": await call(client, "fetch", {"url": "file:///etc/passwd"}),
                    "progress": progress,
                }
            )
        )


asyncio.run(main())
