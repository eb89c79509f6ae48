import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { CodeForm } from "app/ui/code-form.js";
import { useApp } from "app/ui/context.js";
import { EnrolmentPicture, RecoveryCodes } from "app/ui/enrolment.js";
import { errorText, fieldErrors } from "app/ui/error-text.js";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";
import { dateOf } from "app/ui/times.js";
import { showToast } from "app/ui/toast.js";

/**
 * @typedef {import("app/services/account.js").Enrolment} Enrolment
 * @typedef {import("app/services/account.js").SecondFactor} SecondFactor
 */

/** The second factor of whoever is signed in: its state, setting it up, and turning it off. */
export function SettingsTwoStep() {
  const app = useApp();
  const state = useSignal(/** @type {SecondFactor | null} */ (null));
  const codes = useSignal(/** @type {string[] | null} */ (null));
  const said = useSignal("");
  const error = useSignal("");
  const load = async () => {
    error.value = "";
    try {
      state.value = await app.secondFactor.read();
    } catch (reason) {
      error.value = `${t("set.twostep.failed")} ${errorText(reason)}`;
    }
  };
  useEffect(() => { load(); }, [app]);
  /** @param {string[]} fresh @param {string} [done] said once the codes are kept: before, it would lie over them */
  const show = (fresh, done = "") => {
    codes.value = fresh;
    said.value = done;
    load();
  };

  const leaveCodes = () => {
    codes.value = null;
    if (said.value) showToast(said.value);
  };

  if (error.value) {
    return html`<div class="page-section">
      <p class="field-error" role="alert"><${Icon} name="circle-alert" size=${16} />${error.value}</p>
      <div><button class="button button-secondary" type="button" onClick=${load}>${t("error.again")}</button></div>
    </div>`;
  }
  if (codes.value) {
    return html`<section class="page-form"><h3>${t("setup.codes")}</h3><p class="field-hint">${t("setup.codes.lead")}</p>
      <${RecoveryCodes} codes=${codes.value} onDone=${leaveCodes} />
    </section>`;
  }
  if (!state.value) return html`<div class="page-section" aria-busy="true"><span class="skeleton skeleton-bubble"></span></div>`;
  return state.value.enabled
    ? html`<${TurnedOn} state=${state.value} onCodes=${show} onOff=${load} />`
    : html`<${TurnedOff} onCodes=${show} />`;
}

/** @param {{ onCodes: (codes: string[], done: string) => void }} props */
function TurnedOff({ onCodes }) {
  const app = useApp();
  const [password, setPassword] = useState("");
  const [enrolment, setEnrolment] = useState(/** @type {Enrolment | null} */ (null));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  /** @param {() => Promise<void>} work @param {string} field */
  const run = async (work, field) => {
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      await work();
    } catch (reason) {
      setError(fieldErrors(reason)[field] ?? errorText(reason));
    }
    setBusy(false);
  };
  const begin = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (!password) return setError(t("auth.required"));
    run(async () => {
      setEnrolment(await app.secondFactor.begin({ password }));
      setPassword("");
    }, "password");
  };
  const confirm = (/** @type {string} */ code) => run(async () => {
    const codes = await app.secondFactor.confirm({ code });
    onCodes(codes, t("set.twostep.enabled"));
  }, "code");

  if (enrolment) {
    return html`<section class="page-form">
      <${EnrolmentPicture} enrolment=${enrolment} />
      <${CodeForm} error=${error} busy=${busy} submit=${t("setup.turn.on")} onSubmit=${confirm} />
    </section>`;
  }
  return html`<form class="page-form" novalidate onSubmit=${begin}>
    <p><b>${t("set.twostep.off")}</b> ${t("set.twostep.off.body")}</p>
    <${TextField} label=${t("set.password.current")} name="password" type="password" autocomplete="current-password" value=${password}
      error=${error} hint=${t("set.twostep.begin.hint")}
      onInput=${(/** @type {string} */ value) => { setPassword(value); setError(""); }} />
    <button class="button button-primary" type="submit" aria-disabled=${busy}>${t("set.twostep.begin")}</button>
  </form>`;
}

/** @param {{ state: SecondFactor, onCodes: (codes: string[]) => void, onOff: () => void }} props */
function TurnedOn({ state, onCodes, onOff }) {
  const app = useApp();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  /** @param {(proof: { password: string, code: string }) => Promise<void>} work */
  const run = async (work) => {
    if (busy) return;
    setProblem("");
    const missing = { ...(!password && { password: t("auth.required") }), ...(!code.trim() && { code: t("auth.required") }) };
    setErrors(missing);
    if (Object.keys(missing).length > 0) return;
    setBusy(true);
    try {
      await work({ password, code: code.trim() });
      setPassword("");
    } catch (reason) {
      const found = fieldErrors(reason);
      setErrors(found);
      if (Object.keys(found).length === 0) setProblem(errorText(reason));
    }
    // Used up, whether it was right for both or not.
    setCode("");
    setBusy(false);
  };
  const renew = () => run(async (proof) => onCodes(await app.secondFactor.renewCodes(proof)));
  const disable = () => run(async (proof) => {
    await app.secondFactor.disable(proof);
    showToast(t("set.twostep.disabled"));
    onOff();
  });

  return html`<div class="page-form">
    <p><b>${t("set.twostep.on")}</b> ${state.since && t("set.twostep.on.since", { date: dateOf(state.since) })}
      ${" "}${t("set.twostep.left", { n: state.recovery_codes_left })}</p>
    <h3>${t("set.twostep.change")}</h3>
    <p class="field-hint">${t("set.twostep.change.lead")}</p>
    ${problem && html`<p class="field-error" role="alert">${problem}</p>`}
    <${TextField} label=${t("set.password.current")} name="password" type="password" autocomplete="current-password" value=${password}
      onInput=${setPassword} error=${errors.password} />
    <${TextField} label=${t("code.label")} name="code" autocomplete="one-time-code" value=${code} maxlength=${40}
      onInput=${setCode} error=${errors.code} />
    <div class="form-buttons">
      <button class="button button-secondary" type="button" aria-disabled=${busy} onClick=${renew}>${t("set.twostep.codes")}</button>
      <button class="button button-danger-line" type="button" aria-disabled=${busy} onClick=${disable}>${t("set.twostep.disable")}</button>
    </div>
  </div>`;
}
