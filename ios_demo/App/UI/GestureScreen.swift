import GestureCore
import GestureLogic
import PhotosUI
import SwiftUI

/// The screen of the app: it lays out what `ScreenContent` decided.
struct GestureScreen: View {
    @StateObject var model: GestureViewModel
    @Environment(\.scenePhase) private var phase
    @State private var picked: PhotosPickerItem?

    init(model: @autoclosure @escaping () -> GestureViewModel) {
        _model = StateObject(wrappedValue: model())
    }

    var body: some View {
        VStack(spacing: 12) {
            PreviewView(session: model.camera, isMirrored: model.content.mirrorsPreview)
                .overlay(alignment: .top) { BannerView(banner: model.content.banner, retry: model.retry) }
            CurrentGesture(content: model.content)
            ScoreBars(rows: model.content.scores)
            HistoryList(rows: model.content.history)
            Measurements(content: model.content)
            controls
        }
        .padding()
        .onChange(of: phase, initial: true) { model.setInFront(phase == .active) }
        .onChange(of: picked) { Task { await openVideo() } }
    }

    private var controls: some View {
        HStack {
            Button(model.isPaused ? Strings.resume : Strings.pause, action: model.togglePause)
            Button(Strings.switchCamera, systemImage: "camera.rotate", action: model.switchCamera)
            PhotosPicker(selection: $picked, matching: .videos) { Label(Strings.pickVideo, systemImage: "film") }
            ModelMenu(model: model)
        }
        .labelStyle(.iconOnly)
        .buttonStyle(.bordered)
    }

    private func openVideo() async {
        guard let movie = try? await picked?.loadTransferable(type: Movie.self) else { return }
        model.choose(video: movie.url)
    }
}

/// Which artefact, and where Core ML may compute.
private struct ModelMenu: View {
    @ObservedObject var model: GestureViewModel

    var body: some View {
        Menu {
            ForEach(model.models) { one in
                Button(one.id) { model.choose(ModelChoice(model: one)) }
            }
            if let choice = model.choice, choice.model.runtime == .coreml {
                Menu(Strings.computeUnits) {
                    ForEach(ComputeUnits.allCases, id: \.self) { units in
                        Button(units.rawValue) {
                            model.choose(ModelChoice(model: choice.model, computeUnits: units))
                        }
                    }
                }
            }
        } label: {
            Label(Strings.model, systemImage: "cpu")
        }
    }
}

/// A video of the library, copied to where the app may read it.
struct Movie: Transferable {
    let url: URL

    static var transferRepresentation: some TransferRepresentation {
        FileRepresentation(importedContentType: .movie) { received in
            let copy = URL.temporaryDirectory.appendingPathComponent("picked.\(received.file.pathExtension)")
            try? FileManager.default.removeItem(at: copy)
            try FileManager.default.copyItem(at: received.file, to: copy)
            return Movie(url: copy)
        }
    }
}
