import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { AppContext, useSelect } from "app/ui/context.js";
import { Forgot } from "app/ui/forgot.js";
import { OverlayRoot } from "app/ui/overlay-root.js";
import { Register } from "app/ui/register.js";
import { Reset } from "app/ui/reset.js";
import { navigate, route } from "app/ui/router.js";
import { Shell } from "app/ui/shell.js";
import { SignIn } from "app/ui/sign-in.js";
import { SignedOut } from "app/ui/signed-out.js";
import { Verify } from "app/ui/verify.js";

/** @type {Record<string, import("preact").ComponentType<{ wanted: string }>>} */
const OUTSIDE = { "sign-in": SignIn, "register": Register, "forgot": Forgot, "signed-out": SignedOut };
/** Pages of links in e-mail: they mean what they say, whoever is signed in here. */
/** @type {Record<string, import("preact").ComponentType<{}>>} */
const LINKED = { "reset": Reset, "verify": Verify };

/** Where a person goes after signing in: back to where they wanted to be. */
const wanted = { path: "/" };

function Screen() {
  const signedIn = useSelect((state) => state.user !== null);
  const { name, path } = route.value;
  const outside = OUTSIDE[name];
  const linked = LINKED[name];
  useEffect(() => {
    // The route may have moved on since this was drawn.
    const now = route.peek();
    if (now.name in LINKED) return;
    if (now.name === "signed-out") wanted.path = "/";
    if (signedIn && now.name in OUTSIDE) navigate(wanted.path, { replace: true });
    else if (!signedIn && !(now.name in OUTSIDE)) {
      wanted.path = now.path;
      navigate("/sign-in", { replace: true });
    }
  }, [signedIn, path]);
  if (linked) return html`<${linked} />`;
  if (signedIn) return outside ? null : html`<${Shell} />`;
  return outside ? html`<${outside} wanted=${wanted.path} />` : null;
}

/** The whole interface. @param {{ app: import("app/services/app.js").App }} props */
export function Root({ app }) {
  return html`<${AppContext.Provider} value=${app}><${Screen} /><${OverlayRoot} /><//>`;
}
