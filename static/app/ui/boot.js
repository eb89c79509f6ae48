/** What the server wrote into the page. */
const element = document.getElementById("boot");
/** @type {{ debug?: boolean, version?: string, registration?: "open" | "invitation" | "domain" | "closed", mail?: boolean, sign_on?: string | null }} */
const boot = element?.textContent ? JSON.parse(element.textContent) : {};

export const debug = boot.debug === true;
/** Who may make an account here. */
export const registration = boot.registration ?? "open";
/** Whether this server sends e-mail: without it nobody can reset a password alone. */
export const mail = boot.mail === true;
/** What the provider of single sign-on is called; none where there is none. */
export const signOnName = boot.sign_on ?? null;
