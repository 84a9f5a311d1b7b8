//! Several composites in one call, each done as a whole or not at all.

use serde::{Deserialize, Serialize};

use super::composite::{BodyPart, invalid, unanswered};
use super::{Composite, CompositeAnswer, Part};
use crate::{Client, Error, ErrorKind, Result};

/// Graphs that a call may have (REST API guide, "Composite Graph").
const MOST_GRAPHS: usize = 75;
/// Parts that all graphs of a call may have together.
pub(super) const MOST_NODES: usize = 500;

/// Up to 75 graphs in one API call. A graph is a [`Composite`] of up to 500 parts ([`Composite::graph`]) that is done
/// as a whole or not at all, whatever becomes of the others.
///
/// ```no_run
/// # async fn example(org: sf_core::Client) -> sf_core::Result<()> {
/// use sf_core::sobject::{Composite, Fields, Graphs};
///
/// let mut graphs = Graphs::new();
/// for shop in ["Wheelworks", "Trailblazers"] {
///     let mut rows = Composite::graph();
///     let account = rows.create("account", "Account", &Fields::new().field("Name", shop))?;
///     let contact = Fields::new().field("LastName", "Okafor").field("AccountId", account.id());
///     rows.create("contact", "Contact", &contact)?;
///     graphs.add(shop, rows)?;
/// }
/// for graph in org.graphs(&graphs).await? {
///     println!("{}: {}", graph.name(), if graph.is_done() { "done" } else { "not done" });
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Graphs(Vec<(String, Composite)>);

impl Graphs {
    /// No graph yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a graph under a name of its own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for what the org would refuse as a whole.
    pub fn add(&mut self, name: impl Into<String>, graph: Composite) -> Result<()> {
        let name = name.into();
        if graph.is_empty() {
            return Err(invalid(format!("the graph {name:?} has no parts")));
        }
        if self.0.iter().any(|(known, _)| *known == name) {
            return Err(invalid(format!("two graphs are called {name:?}")));
        }
        let nodes = graph.len() + self.0.iter().map(|(_, graph)| graph.len()).sum::<usize>();
        if self.0.len() == MOST_GRAPHS || nodes > MOST_NODES {
            return Err(invalid(format!(
                "a call takes {MOST_GRAPHS} graphs with {MOST_NODES} parts together, {name:?} is beyond that"
            )));
        }
        self.0.push((name, graph));
        Ok(())
    }
}

#[derive(Serialize)]
struct Body<'g> {
    graphs: Vec<BodyGraph<'g>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BodyGraph<'g> {
    graph_id: &'g str,
    composite_request: Vec<BodyPart<'g>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldGraph {
    graph_id: String,
    graph_response: Told,
    is_successful: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    composite_response: Vec<Part>,
}

/// What became of one graph.
#[derive(Debug)]
#[must_use = "the graph may not have been done"]
pub struct GraphAnswer {
    name: String,
    done: bool,
    answer: CompositeAnswer,
}

impl GraphAnswer {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether all of it was done; otherwise none of it was.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// What became of its parts.
    pub fn answer(&self) -> &CompositeAnswer {
        &self.answer
    }
}

impl Client {
    /// Does the graphs, one answer each in their order.
    ///
    /// Never sent again after a lost answer.
    ///
    /// # Errors
    /// Where the call failed as a whole; a graph that was not done is no error here. With
    /// [`Error::outcome_unknown`] any of the graphs may have been done.
    pub async fn graphs(&self, graphs: &Graphs) -> Result<Vec<GraphAnswer>> {
        #[derive(Deserialize)]
        struct Answer {
            graphs: Vec<ToldGraph>,
        }
        let version = self.api_version();
        let body = Body {
            graphs: graphs
                .0
                .iter()
                .map(|(name, graph)| BodyGraph { graph_id: name, composite_request: graph.body(version) })
                .collect(),
        };
        let answer: Answer =
            self.post("composite/graph").json_body(&body).json().await.map_err(unanswered)?;
        if answer.graphs.len() != graphs.0.len() {
            let message = format!("the org answered {} graphs of {}", answer.graphs.len(), graphs.0.len());
            return Err(Error::new(ErrorKind::Protocol, message).with_outcome_unknown(true));
        }
        let told = answer.graphs.into_iter().map(|graph| GraphAnswer {
            name: graph.graph_id,
            done: graph.is_successful,
            answer: CompositeAnswer::of(graph.graph_response.composite_response),
        });
        Ok(told.collect())
    }
}
