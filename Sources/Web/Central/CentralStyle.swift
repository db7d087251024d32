/// What the central's pages need beside the common sheet: badges, a time line with gaps in their place.
enum CentralStyle {
  static let sheet = """
    main { max-width: 60rem; }
    .search { margin: .8rem 0 1.2rem; }
    .search input { font-size: 1.1rem; padding: .55rem .8rem; flex: 1 1 14rem; }
    .search button { font-size: 1.1rem; padding: .55rem 1.1rem; border-color: transparent; }
    .badge { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem;
      font-size: .85rem; font-weight: 600; white-space: nowrap; }
    .title { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline; margin: .4rem 0 1rem; }
    .title h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; }
    .title .kind { color: var(--soft); font-size: .85rem; letter-spacing: .08em; text-transform: uppercase; }
    .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem 2rem; }
    .columns section { min-width: 0; }
    .list { list-style: none; margin: 0; padding: 0; }
    .list li { border-bottom: 1px solid var(--line); padding: .45rem 0; display: flex; flex-wrap: wrap; gap: 0 .8rem;
      justify-content: space-between; align-items: baseline; }
    .list .why { flex-basis: 100%; color: var(--soft); font-size: .92rem; }
    .timeline { padding-left: 0; border-left: 0; }
    .timeline > li { position: relative; padding: 0 0 .2rem 1.4rem; margin: 0; border-left: 3px solid var(--line); }
    .timeline > li::before { content: ""; position: absolute; left: -.52rem; top: .55rem; width: .75rem; height: .75rem;
      border-radius: 50%; background: var(--card); border: 3px solid var(--brand); }
    @media (prefers-color-scheme: dark) { .timeline > li::before { border-color: var(--link); } }
    .timeline > li.hole { border-left-style: dashed; border-left-color: var(--bad); }
    .timeline > li.hole::before { border-color: var(--bad); border-radius: 2px; background: var(--bad); }
    .timeline > li.waits { border-left-color: var(--warn); }
    .timeline > li.waits::before { border-color: var(--warn); background: var(--warn); }
    .timeline .card { margin: 0 0 .9rem; }
    .card h3 { margin: 0; font-size: 1.05rem; display: flex; flex-wrap: wrap; gap: .1rem .7rem; align-items: baseline; }
    .card h3 time { color: var(--soft); font-weight: 400; font-size: .92rem; }
    .values { width: auto; min-width: min(100%, 18rem); margin: .5rem 0; background: none; }
    .values th { font-weight: 400; padding-left: 0; white-space: normal; } .values td { font-variant-numeric: tabular-nums; }
    .links { list-style: none; padding: 0; margin: .5rem 0 0; border-top: 1px solid var(--line); }
    .links li { padding: .3rem 0 0; }
    .bar { border-left: .5rem solid var(--bad); background: color-mix(in srgb, var(--bad) 9%, var(--card));
      padding: .5rem .8rem; margin: 0 0 .9rem; border-radius: .2rem; }
    .bar.waits { border-left-color: var(--warn); background: color-mix(in srgb, var(--warn) 10%, var(--card)); }
    .bar .label { font-weight: 700; color: var(--bad); } .bar.waits .label { color: var(--warn); }
    .bar p { margin: .1rem 0 0; } .sum { margin-bottom: 1.2rem; }
    h2 { border-bottom: 2px solid var(--line); padding-bottom: .2rem; }

    """
}
