/// What the pipeline runs: how frames become tensors, a loaded artefact, and what its logits mean.
public final class Model {
    public let preprocessor: Preprocessor
    public let runner: Runner
    public let postprocessor: Postprocessor
    /// How fast frames go to the network.
    public let framesPerSecond: Double

    public init(preprocessor: Preprocessor, runner: Runner, postprocessor: Postprocessor, framesPerSecond: Double) {
        self.preprocessor = preprocessor
        self.runner = runner
        self.postprocessor = postprocessor
        self.framesPerSecond = framesPerSecond
    }

    /// By the runner's contract; without thresholds there are scores but no events.
    ///
    /// - Throws: `DemoError` of a model of whole clips, a contract that the app cannot fulfil, or thresholds that do
    ///   not fit its labels.
    public convenience init(_ runner: Runner, thresholds: Thresholds?) throws {
        let contract = runner.contract
        guard contract.isStream else {
            throw DemoError("the model takes whole clips; export a stream with --mode stream of converters/")
        }
        let postprocessor: Postprocessor =
            try thresholds.map { try EventDetector($0, labels: contract.labels) } ?? ScoresOnly()
        self.init(
            preprocessor: try ContractPreprocessor(contract), runner: runner, postprocessor: postprocessor,
            framesPerSecond: contract.framesPerSecond)
    }
}

/// Opens a model; it may take seconds.
public protocol ModelSource: AnyObject {
    func open() throws -> Model
}

/// Told of the begin and end of each stage of each frame, on the thread that computes it.
public protocol StageTracer: AnyObject {
    func begin(_ stage: Stage)
    func end(_ stage: Stage)
}
