import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { AuthLayout, Note } from "app/ui/auth-layout.js";
import { useApp } from "app/ui/context.js";
import { errorText } from "app/ui/error-text.js";
import { mail, registration, signOnName } from "app/ui/boot.js";
import { SecondStep, SetupStep } from "app/ui/second-step.js";
import { SignOn, signOnProblem } from "app/ui/sign-on.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";
import { useCountdown } from "app/ui/use-countdown.js";
import { minutesSeconds } from "app/core/format.js";
import { useElement } from "app/ui/use-element.js";

/** @typedef {{ head: string, body: string }} Problem */

/** @param {any} reason @returns {Problem} */
function problemOf(reason) {
  if (reason?.status === 401 || reason?.status === 403) return { head: t("auth.bad.head"), body: t(mail ? "auth.reset.hint" : "auth.bad.body") };
  if (!reason?.status) return { head: t("auth.unreachable.head"), body: t("auth.unreachable.body") };
  return { head: t("auth.failed.head"), body: errorText(reason) };
}

/** @param {{ wanted: string }} props where the person goes then */
export function SignIn({ wanted }) {
  const app = useApp();
  const alert = useElement(HTMLDivElement);
  const form = useElement(HTMLFormElement);
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {() => Problem | null} */ (signOnProblem));
  const [step, setStep] = useState(/** @type {"password" | "code" | "setup"} */ ("password"));
  const [limitedUntil, setLimitedUntil] = useState(/** @type {number | null} */ (null));
  const wait = useCountdown(limitedUntil);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    setTried(true);
    if (busy || wait > 0) return;
    if (!username.trim() || !password) {
      const empty = form.current?.querySelector(username.trim() ? "[name=password]" : "[name=username]");
      if (empty instanceof HTMLElement) empty.focus();
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      await app.session.signIn({ username: username.trim(), password });
    } catch (reason) {
      const error = /** @type {any} */ (reason);
      setBusy(false);
      if (error?.code === "second_factor_required") return setStep("code");
      if (error?.code === "second_factor_setup_required") return setStep("setup");
      if (error?.status === 429) {
        setLimitedUntil(Date.now() + Math.max(1, error.retryAfter ?? 30) * 1000);
        return;
      }
      setProblem(problemOf(error));
      requestAnimationFrame(() => alert.current?.focus());
    }
  };

  if (step !== "password") {
    const credentials = { username: username.trim(), password };
    return html`<${step === "code" ? SecondStep : SetupStep} credentials=${credentials} onBack=${() => setStep("password")} />`;
  }
  return html`<${AuthLayout} title=${t("auth.signin")} lead=${t("auth.signin.lead")}>
    <form class="auth-form" novalidate onSubmit=${submit} ref=${form}>
      ${problem && html`<${Note} tone="danger" head=${problem.head} body=${problem.body} focusRef=${alert} />`}
      <${TextField} label=${t("auth.username")} name="username" autocomplete="username" value=${username} onInput=${setUsername}
        error=${tried && !username.trim() ? t("auth.required") : ""} autofocus />
      <${TextField} label=${t("auth.password")} name="password" type="password" autocomplete="current-password" value=${password}
        onInput=${setPassword} error=${tried && !password ? t("auth.required") : ""} />
      <button class="button button-primary button-large button-block" type="submit" aria-disabled=${busy || wait > 0}>
        ${wait > 0 ? t("auth.limit", { time: minutesSeconds(wait) }) : busy ? t("auth.busy") : t("auth.signin")}
      </button>
      ${wait > 0 && html`<p class="auth-fine" role="alert">${t("auth.limit.why")}</p>`}
    </form>
    ${signOnName && html`<${SignOn} name=${signOnName} wanted=${wanted} />`}
    ${mail && html`<p class="auth-alternative"><a href="/forgot">${t("auth.forgot")}</a></p>`}
    ${registration !== "closed" && html`<p class="auth-alternative">${t("auth.new")} <a href="/register">${t("auth.create")}</a></p>`}
  <//>`;
}
