/** Wires the client together and shows it. */
import { h, render } from "preact";
import { browserPorts } from "app/ports/browser.js";
import { createApp } from "app/services/app.js";
import { startAnnouncements } from "app/ui/announcements.js";
import { watchSync } from "app/ui/ever-synced.js";
import { loadIcons } from "app/ui/icon.js";
import { Root } from "app/ui/root.js";
import { navigate, startRouter } from "app/ui/router.js";
import { signedOutBy } from "app/ui/signed-out.js";

const app = createApp(browserPorts());

if (document.documentElement.hasAttribute("data-debug")) {
  Object.assign(window, { __pneumatic: app });
}

app.session.onSignedOut((reason) => {
  signedOutBy.value = reason;
  navigate("/signed-out", { replace: true });
});

startRouter();
watchSync(app);
startAnnouncements(app);
await Promise.all([app.session.resume(), loadIcons()]);
const root = document.getElementById("app");
if (root) render(h(Root, { app }), root);
