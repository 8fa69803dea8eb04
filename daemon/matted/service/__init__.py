"""The daemon: aiohttp app, routes, wire format, guard, jobs and progress."""
