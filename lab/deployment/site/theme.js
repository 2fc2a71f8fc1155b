// Remembers the chosen theme in this browser and nowhere else.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "light";
