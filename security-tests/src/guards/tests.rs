//! Tests of deleted guards: two texts in, suspicions out.

use super::*;

/// `function@line: deleted text`, one for each line that was deleted.
fn suspicions(path: &str, before: &str, now: &str) -> Vec<String> {
    let lines = |guard: RemovedGuard| {
        let RemovedGuard { function, line, deleted, .. } = guard;
        deleted.into_iter().map(move |(then, text)| format!("{function}@{line} was {then}: {text}"))
    };
    removed(path, before, now).into_iter().flat_map(lines).collect()
}

/// Each is a text in which `§…§` is deleted.
fn deleting(path: &str, text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('§').collect();
    let kept = parts.iter().step_by(2).copied().collect::<String>();
    suspicions(path, &parts.concat(), &kept)
}

#[test]
fn a_guard_that_a_function_loses_is_suspected_in_every_language() {
    let flask = "@app.route('/x')\n§@login_required\n§def read(id):\n    return id\n";
    assert_eq!(deleting("api/x.py", flask), ["read@2 was 2: @login_required"]);
    let fastapi = "@app.get('/x')\ndef read(\n    id: int,\n§    user = Depends(get_current_user),\n§):\n    pass\n";
    assert_eq!(deleting("x.py", fastapi), ["read@2 was 4: user = Depends(get_current_user),"]);
    let express = "const { requireAuth } = require('./auth')\nrouter.get('/orders/:id', §requireAuth, §read)\n";
    let was = "get /orders/:id@2 was 2: router.get('/orders/:id', requireAuth, read)";
    assert_eq!(deleting("routes.js", express), [was]);
    let nest = "export class X {\n}\nclass Orders {\n  §@UseGuards(JwtGuard)\n  §@Get(':id')\n  findOne(id: string) {\n  }\n}\n";
    assert_eq!(deleting("orders.ts", nest), ["findOne@5 was 4: @UseGuards(JwtGuard)"]);
    let spring = "class C {\n    §@PreAuthorize(\"hasRole('ADMIN')\")\n    §@GetMapping(\"/x\")\n    public List<Order> all(int page) {\n    }\n}\n";
    assert_eq!(deleting("C.java", spring), ["all@3 was 2: @PreAuthorize(\"hasRole('ADMIN')\")"]);
    let dotnet = "class C {\n    §[Authorize(Roles = \"admin\")]\n§    public Task<Order> Read(long id) {\n    }\n}\n";
    assert_eq!(deleting("C.cs", dotnet), ["Read@2 was 2: [Authorize(Roles = \"admin\")]"]);
    let minimal = "app.MapGet(\"/x\", Read)§.RequireAuthorization()§;\n";
    assert_eq!(deleting("P.cs", minimal), ["mapget /x@1 was 1: app.MapGet(\"/x\", Read).RequireAuthorization();"]);
    let rails = "class OrdersController < Base\n§  before_action :authenticate_user!\n§  def show\n  end\nend\n";
    assert_eq!(deleting("o.rb", rails), ["OrdersController@1 was 2: before_action :authenticate_user!"]);
    let axum = "async fn read(caller: Caller) -> Reply {\n§    caller.permits(Read, &order)?;\n§    reply()\n}\n";
    assert_eq!(deleting("src/o.rs", axum), ["read@1 was 2: caller.permits(Read, &order)?;"]);
    let typed =
        "pub(crate) async fn read() -> Result<impl Reply, Problem> {\n§    app.require(&caller, Read).await?;\n§}\n";
    assert_eq!(deleting("src/o.rs", typed), ["read@1 was 2: app.require(&caller, Read).await?;"]);
    let go = "func (s *Server) Routes() {\n\ts.r.Get(\"/x\", §RequireAuth(§s.read§)§)\n}\n";
    assert_eq!(deleting("s.go", go).len(), 1);
    let laravel = "Route::get('/x', [C::class, 'show'])§->middleware('auth:sanctum')§;\n";
    assert_eq!(deleting("routes/api.php", laravel).len(), 1);
}

#[test]
fn a_guard_that_is_commented_out_is_deleted() {
    let before = "fn read() {\n    authorize(user);\n}\n";
    assert_eq!(
        suspicions("a.rs", before, "fn read() {\n    // authorize(user);\n}\n"),
        ["read@1 was 2: authorize(user);"]
    );
}

#[test]
fn another_guard_in_the_same_function_makes_up_for_it() {
    let with = |guard: &str| format!("fn read() {{\n    {guard}\n}}\nfn list() {{\n}}\n");
    assert_eq!(suspicions("a.rs", &with("permits(Read)?;"), &with("authorize(user, Read)?;")), [""; 0]);
    let elsewhere = "fn read() {\n}\nfn list() {\n    permits(Read)?;\n}\n";
    assert_eq!(suspicions("a.rs", &with("permits(Read)?;"), elsewhere), ["read@1 was 2: permits(Read)?;"]);
}

#[test]
fn a_guard_on_the_whole_file_or_class_makes_up_for_those_of_its_functions_and_the_reverse() {
    let each = "router.get('/a', requireAuth, a)\nrouter.get('/b', requireAuth, b)\n";
    let all = "router.use(requireAuth)\nrouter.get('/a', a)\nrouter.get('/b', b)\n";
    assert_eq!(suspicions("r.js", each, all), [""; 0]);
    assert_eq!(suspicions("r.js", all, each), [""; 0]);
    assert_eq!(
        suspicions("r.js", all, "router.get('/a', a)\nrouter.get('/b', b)\n"),
        ["@1 was 1: router.use(requireAuth)"]
    );
}

#[test]
fn a_function_that_is_gone_or_moved_takes_its_guard_along() {
    let text = "@login_required\ndef a():\n    pass\n\n@login_required\ndef b():\n    pass\n";
    let (a, b) = text.split_at(text.find("\n\n").unwrap() + 2);
    assert_eq!(suspicions("v.py", text, b), [""; 0]);
    assert_eq!(suspicions("v.py", text, &format!("{b}\n{a}")), [""; 0]);
    assert_eq!(suspicions("v.py", text, ""), [""; 0]);
}

#[test]
fn what_only_looks_like_a_guard_is_none() {
    let quiet = [
        ("a.py", "from auth import login_required, authorize\n"),
        ("a.rs", "fn read() {\n    // authorize(user)\n    unauthorize(user);\n}\nfn authorize(user: &User) {\n}\n"),
        ("a.js", "const requireAuth = (req, res, next) => next()\nconst { verifyToken } = require('./x')\n"),
        ("tests/a.py", "@login_required\ndef read():\n    pass\n"),
        ("a_test.go", "func TestX() {\n\tauthorize(x)\n}\n"),
        ("a.md", "authorize(x)\n"),
    ];
    for (path, text) in quiet {
        let left =
            if text.contains("fn read") { "fn read() {\n}\nfn authorize(user: &User) {\n}\n" } else { "def read():\n" };
        assert_eq!(suspicions(path, text, left), [""; 0], "{path}");
    }
}
