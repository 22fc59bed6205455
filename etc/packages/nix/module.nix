# services.onehop = {
#   enable = true;
#   package = pkgs.callPackage ./package.nix { src = ./onehop; };
#   settings."account machine" = { user = "reports@example.com"; password_file = "machine"; };
#   credentials.machine = "/run/keys/machine-password";
# };
{ config, lib, pkgs, ... }:

let
  cfg = config.services.onehop;
  format = pkgs.formats.ini { };
in
{
  options.services.onehop = {
    enable = lib.mkEnableOption "onehop, which hands the machine's mail to its provider";
    package = lib.mkOption {
      type = lib.types.package;
      description = "The package to use.";
    };
    settings = lib.mkOption {
      type = format.type;
      default = { };
      description = "The sections of /etc/onehop/onehop.ini: see onehop.ini(5). It is readable for all.";
    };
    credentials = lib.mkOption {
      type = lib.types.attrsOf lib.types.str;
      default = { };
      description = "Files of passwords, by the name that password_file has for each.";
    };
    setSendmail = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether sendmail and mailq of the system are onehop.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc."onehop/onehop.ini".source = format.generate "onehop.ini" cfg.settings;

    # It needs no privilege: a name where programs look for one.
    services.mail.sendmailSetuidWrapper = lib.mkIf cfg.setSendmail {
      program = "sendmail";
      source = "${cfg.package}/bin/onehop";
      setuid = false;
      setgid = false;
      owner = "root";
      group = "root";
    };

    users.users.onehop = {
      isSystemUser = true;
      group = "onehop";
      description = "onehop mail relay";
    };
    users.groups.onehop = { };

    systemd.tmpfiles.packages = [ cfg.package ];
    systemd.packages = [ cfg.package ];
    systemd.sockets.onehop.wantedBy = [ "sockets.target" ];
    systemd.services.onehop = {
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ cfg.package ];
      serviceConfig.LoadCredential = lib.mapAttrsToList (name: file: "${name}:${file}") cfg.credentials;
    };
  };
}
