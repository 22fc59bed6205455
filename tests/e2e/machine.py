class Machine: pass
def program_links(d): pass
