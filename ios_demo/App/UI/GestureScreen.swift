import GestureCore
import GestureLogic
import PhotosUI
import SwiftUI

/// The screen of the app: it lays out what `ScreenContent` decided.
struct GestureScreen: View {
    @StateObject private var model: GestureViewModel
    @Environment(\.scenePhase) private var phase
    @Environment(\.verticalSizeClass) private var height
    @State private var picked: PhotosPickerItem?
    @State private var cannotOpen = false

    init(model: @autoclosure @escaping () -> GestureViewModel) {
        _model = StateObject(wrappedValue: model())
    }

    var body: some View {
        layout {
            PreviewView(
                source: model.source, isMirrored: model.content.mirrorsPreview, isRunning: model.content.isSourceRunning
            )
            .overlay(alignment: .top) { BannerView(banner: model.content.banner, retry: model.retry) }
            VStack(spacing: 12) {
                CurrentGesture(content: model.content)
                ScrollView {
                    ScoreBars(rows: model.content.scores)
                    HistoryList(rows: model.content.history)
                    Measurements(content: model.content)
                }
                controls
            }
        }
        .padding()
        .onChange(of: phase, initial: true) { model.enter(AppPhase(phase)) }
        .onChange(of: picked) { Task { await openVideo() } }
        .alert(Strings.noVideo, isPresented: $cannotOpen) { Button(Strings.understood) {} }
    }

    /// Side by side where the phone lies on its side.
    private var layout: AnyLayout {
        height == .compact ? AnyLayout(HStackLayout(spacing: 12)) : AnyLayout(VStackLayout(spacing: 12))
    }

    private var controls: some View {
        HStack {
            Button(
                model.content.isPaused ? Strings.resume : Strings.pause,
                systemImage: model.content.isPaused ? "play.fill" : "pause.fill", action: model.togglePause)
            Button(Strings.switchCamera, systemImage: "camera.rotate", action: model.switchCamera)
            PhotosPicker(selection: $picked, matching: .videos) { Label(Strings.pickVideo, systemImage: "film") }
            ModelMenu(model: model)
        }
        .labelStyle(.iconOnly)
        .buttonStyle(.bordered)
    }

    private func openVideo() async {
        guard let picked else { return }
        self.picked = nil  // so that the same one can be chosen again
        guard let movie = try? await picked.loadTransferable(type: Movie.self) else {
            cannotOpen = true
            return
        }
        model.choose(video: movie.url)
    }
}

/// Runtime, artefact, and where Core ML may compute.
private struct ModelMenu: View {
    @ObservedObject var model: GestureViewModel

    var body: some View {
        Menu {
            Picker(Strings.model, selection: $model.chosenName) {
                ForEach(model.models.models) { one in
                    Text(Strings.artefact(one)).tag(one.id)
                }
            }
            if model.choice?.model.runtime == .coreml {
                Picker(Strings.computeUnits, selection: $model.computeUnits) {
                    ForEach(ComputeUnits.allCases, id: \.self) { units in
                        Text(Strings.units(units)).tag(units)
                    }
                }
                .pickerStyle(.menu)
            }
            if !model.models.faults.isEmpty {
                Section(Strings.unusable) {
                    ForEach(model.models.faults, id: \.self) { Text($0) }
                }
            }
        } label: {
            Label(Strings.model, systemImage: "cpu")
        }
    }
}

/// A video of the library, copied to where the app may read it; the one before goes.
struct Movie: Transferable {
    let url: URL

    static var transferRepresentation: some TransferRepresentation {
        FileRepresentation(importedContentType: .movie) { received in
            let files = FileManager.default
            let folder = URL.temporaryDirectory.appendingPathComponent("picked", isDirectory: true)
            try files.createDirectory(at: folder, withIntermediateDirectories: true)
            let before = try files.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            // a name of its own, so that another video is another input
            let copy = folder.appendingPathComponent("\(UUID().uuidString).\(received.file.pathExtension)")
            try files.copyItem(at: received.file, to: copy)
            before.forEach { try? files.removeItem(at: $0) }
            return Movie(url: copy)
        }
    }
}

extension AppPhase {
    fileprivate init(_ phase: ScenePhase) {
        switch phase {
        case .active: self = .active
        case .inactive: self = .inactive
        case .background: self = .background
        @unknown default: self = .background
        }
    }
}
