# callPackage ./package.nix { src = ...; }, with the source tree or what `make dist` made of it.
{ lib, stdenv, src, autoreconfHook, pkg-config, gettext, gnutls, inih, gsasl, curl, jansson }:

stdenv.mkDerivation {
  pname = "onehop";
  version = "0.1";
  inherit src;

  nativeBuildInputs = [ autoreconfHook pkg-config gettext ];
  buildInputs = [ gnutls inih gsasl curl jansson ];

  configureFlags = [
    "--sysconfdir=/etc"
    "--localstatedir=/var"
    "--runstatedir=/run"
    "--enable-oauth"
    "--with-sendmail-links"
  ];
  # Files, but not places, are below the store.
  installFlags = [ "sysconfdir=$(out)/etc" "localstatedir=$(TMPDIR)" ];

  meta = {
    description = "Hand mail to the provider of its sender";
    license = lib.licenses.isc;
    platforms = lib.platforms.linux;
    mainProgram = "onehop";
  };
}
