const SUBPROTOCOL = "pneumatic.v1";

/**
 * The WebSocket of this page's own server.
 * @param {{ host: string, protocol: string }} location
 * @returns {import("./types.js").SocketPort}
 */
export function browserSocket(location = window.location) {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/`;
  return {
    open(handlers) {
      const socket = new WebSocket(url, SUBPROTOCOL);
      socket.addEventListener("open", () => handlers.onOpen());
      socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string") handlers.onText(data);
      });
      socket.addEventListener("close", ({ code }) => handlers.onClose(code));
      return {
        send(text) {
          // What is written to a closing socket is lost; the close event says so to everyone.
          if (socket.readyState === WebSocket.OPEN) socket.send(text);
        },
        close: () => socket.close(1000),
      };
    },
  };
}
