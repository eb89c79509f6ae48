/** What the server wrote into the page. */
const element = document.getElementById("boot");
/** @type {{ debug?: boolean, version?: string, registration?: string, sign_on?: string | null }} */
const boot = element?.textContent ? JSON.parse(element.textContent) : {};

export const debug = boot.debug === true;
/** What the provider of single sign-on is called; none where there is none. */
export const signOnName = boot.sign_on ?? null;
export const registrationOpen = boot.registration !== "closed";
