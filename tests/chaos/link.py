"""A network between one agent and NATS that can be hurt: a TCP proxy in front of each server."""
import asyncio
import threading

# What a link does: pass everything; cut: connections end and none begin; stall: no byte passes; mute: none towards NATS; deaf: none from NATS.
STATES = ("pass", "cut", "stall", "mute", "deaf")


class Link:
    """Stands where the servers of these ports stand, each with a port of its own."""

    def __init__(self, ports):
        self.state, self.pairs = "pass", set()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ports, ready), daemon=True)
        self.thread.start()
        ready.wait()

    def run(self, ports, ready):
        asyncio.set_event_loop(self.loop)
        self.servers = [self.loop.run_until_complete(asyncio.start_server(self.taker(port), "127.0.0.1", 0)) for port in ports]
        self.ports = [server.sockets[0].getsockname()[1] for server in self.servers]
        ready.set()
        self.loop.run_forever()

    @property
    def url(self):
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def set(self, state):
        assert state in STATES
        self.state = state
        if state == "cut":
            self.loop.call_soon_threadsafe(self.end_all)

    def end_all(self):
        for writer in list(self.pairs):
            writer.transport.abort()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        for server in self.servers:
            server.close()
        self.end_all()

    def taker(self, port):
        async def take(reader, writer):
            ends = [writer]
            try:
                if self.state != "cut":
                    there, back = await asyncio.open_connection("127.0.0.1", port)
                    ends.append(back)
                    self.pairs.update(ends)
                    await asyncio.gather(self.pump(reader, back, ("stall", "mute")), self.pump(there, writer, ("stall", "deaf")))
            except (OSError, asyncio.IncompleteReadError):
                pass  # either end has gone
            finally:
                self.pairs.difference_update(ends)
                for end in ends:
                    end.transport.abort()

        return take

    async def pump(self, reader, writer, held):
        while data := await reader.read(1 << 16):
            while self.state in held:
                await asyncio.sleep(0.02)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
