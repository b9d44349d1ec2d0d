// Marks the entry of the page that is shown, as every shop does.
for (const link of document.querySelectorAll("nav a")) {
  link.classList.toggle("active", link.pathname === location.pathname);
}
